// Pooling: the largest, the mean or the sum of each window, channel by channel; and of whole maps.

/**
 * How a pool's window moves.
 *
 * @param {Stage} stage
 * @param {Shape} shape
 */
function poolSliding({ keys }, shape) {
  return slidingOver(shape, keys.window, /** @type {any} */ (keys));
}

/**
 * Rows and columns beyond the padding that the last windows reach, where sizes are rounded up.
 *
 * @param {Shape} shape
 * @param {Shape} output
 * @param {Sliding} sliding
 * @returns {Pair}
 */
function beyondPadding(shape, output, { window, stride, dilation, pads }) {
  const [rows, columns] = [0, 1].map((axis) => {
    const reached = (output[axis] - 1) * stride[axis] + dilation[axis] * (window[axis] - 1) + 1;
    return Math.max(0, reached - shape[axis] - pads[axis][0] - pads[axis][1]);
  });
  return [rows, columns];
}

/**
 * By how many samples the mean of a window at a place is divided, along one axis.
 *
 * @param {number} place
 * @param {number} axis
 * @param {number} n
 * @param {Sliding} sliding
 * @param {boolean} padding  whether those in the padding count
 */
function countAlong(place, axis, n, { window, stride, pads }, padding) {
  const first = place * stride[axis] - pads[axis][0];
  const last = first + window[axis];
  if (padding) return Math.min(last, n + pads[axis][1]) - first; // what rounding up adds does not count
  return Math.max(0, Math.min(last, n) - Math.max(first, 0));
}

/**
 * By how much the sum of a window is divided.
 *
 * @param {Stage} stage
 * @param {Shape} shape
 * @param {Place} at
 */
function divisorAt(stage, shape, at) {
  if (stage.kind !== "avgpool") return 1;
  const [rows, columns] = [0, 1].map((axis) =>
    countAlong(at[axis], axis, shape[axis], poolSliding(stage, shape), stage.keys.count_include_pad),
  );
  return Math.max(1, rows * columns);
}

/**
 * @param {"max" | "avg" | "sum"} pool
 * @returns {Kind}
 */
function poolKind(pool) {
  const empty = pool === "max" ? -Infinity : 0;
  return {
    output(stage, [shape]) {
      return [...outputSizes(takesMaps(shape, stage), poolSliding(stage, shape)), shape[2]];
    },
    figures(stage, [shape]) {
      return { parameters: 0, macs: 0, arithmetic: sizeArithmetic(shape, poolSliding(stage, shape)) };
    },
    work(stage, [shape]) {
      return product(this.output(stage, [shape])) * product(stage.keys.window);
    },
    compute(stage, [input]) {
      const output = this.output(stage, [input.shape]);
      const sliding = poolSliding(stage, input.shape);
      const given = padded(input, sliding.pads, "zeros", empty, beyondPadding(input.shape, output, sliding));
      const values = pool === "max" ? largest(given, output, sliding) : summed(given, output, sliding);
      if (pool === "avg") divideEach(values, stage, input.shape, output, sliding);
      return { shape: output, values: Float32Array.from(values) };
    },
    regions(stage, [shape], at) {
      return [windowRegion(poolSliding(stage, shape), at, [at[2], at[2]])];
    },
    sights(stage, shape) {
      return slidingSights(poolSliding(stage, shape));
    },
    explain(stage, [input], at, value) {
      const window = windowAt(input, poolSliding(stage, input.shape), at, at[2], "zeros", empty);
      const found = pool === "max" ? winner(window) : mostInside([window.values], window.padding);
      const follows = found && [window.rows[found[1]], window.columns[found[2]], at[2]];
      const sum = pool === "max" ? null : window.values.flat().reduce((all, each) => all + each, 0);
      return { kind: "pool", at, value, follows, pool, window, sum, divisor: divisorAt(stage, input.shape, at) };
    },
    deltas: (stage, [input], output, delta) => [pooledDeltas(stage, input, output.shape, delta)],
    slopes(stage, [input], output, _input, at) {
      const sliding = poolSliding(stage, input.shape);
      return seers(slidingSights(sliding), input.shape, output.shape, "zeros", at).map(({ at: there, taps }) => {
        if (pool !== "max") return { at: there, slope: 1 / divisorAt(stage, input.shape, there) };
        const found = winner(windowAt(input, sliding, there, at[2], "zeros", empty));
        return { at: there, slope: Number(found?.[1] === taps[0] && found[2] === taps[1]) };
      });
    },
    text({ keys: { window, stride, padding, dilation, ceil_mode, count_include_pad } }) {
      const options = showOptions({
        stride: [showPair(stride), showPair(stride) !== showPair(window)],
        padding: [showPadding(padding), showPadding(padding) !== "0"],
        dilation: [showPair(dilation), showPair(dilation) !== "1"],
        ceil_mode: ["yes", ceil_mode],
        count_include_pad: ["no", !count_include_pad],
      });
      return [`${pool}pool`, showPair(window), ...options].join(":");
    },
    parse(text) {
      const own = { max: ["dilation"], avg: ["count_include_pad"], sum: [] }[pool];
      const given = readArguments(text, ["window", "stride", "padding", "ceil_mode", ...own], "window");
      if (given.window === undefined) throw new Mistake(`needs a window, such as ${pool}pool:2`);
      const keys = {
        window: readPair(given.window, "window"),
        stride: readPair(given.stride ?? given.window, "stride"),
        padding: readPadding(given.padding ?? "0"),
        dilation: readPair(given.dilation ?? "1", "dilation"),
        ceil_mode: readSwitch(given.ceil_mode ?? "no"),
        count_include_pad: readSwitch(given.count_include_pad ?? "yes"),
      };
      return { keys };
    },
    controls: [
      { key: "window", label: "window", type: "pair" },
      { key: "stride", label: "stride", type: "pair" },
      { key: "padding", label: "padding", type: "padding" },
      ...(pool === "max" ? [/** @type {Control} */ ({ key: "dilation", label: "dilation", type: "pair" })] : []),
      { key: "ceil_mode", label: "round the size up", type: "check" },
      ...(pool === "avg"
        ? [/** @type {Control} */ ({ key: "count_include_pad", label: "count the padding", type: "check" })]
        : []),
    ],
  };
}

/**
 * The largest value of each window; a NaN is larger than all.
 *
 * @param {Maps} given
 * @param {Shape} output
 * @param {Sliding} sliding
 */
function largest(given, [height, width, count], { window, stride, dilation }) {
  const [tall, wide] = given.shape;
  const values = new Float32Array(height * width * count);
  const row = new Float64Array(width);
  for (let c = 0, to = 0; c < count; c++) {
    for (let y = 0; y < height; y++, to += width) {
      row.fill(-Infinity);
      for (let m = 0; m < window[0]; m++) {
        const begin = (c * tall + y * stride[0] + m * dilation[0]) * wide;
        for (let n = 0; n < window[1]; n++) {
          let from = begin + n * dilation[1];
          for (let x = 0; x < width; x++, from += stride[1]) row[x] = Math.max(row[x], given.values[from]);
        }
      }
      values.set(row, to);
    }
  }
  return values;
}

/**
 * The sum of each window.
 *
 * @param {Maps} given
 * @param {Shape} output
 * @param {Sliding} sliding
 */
function summed(given, [height, width, count], { window, stride, dilation }) {
  const [tall, wide] = given.shape;
  const values = new Float64Array(height * width * count);
  for (let c = 0, to = 0; c < count; c++) {
    for (let y = 0; y < height; y++, to += width) {
      for (let m = 0; m < window[0]; m++) {
        const begin = (c * tall + y * stride[0] + m * dilation[0]) * wide;
        for (let n = 0; n < window[1]; n++) {
          let from = begin + n * dilation[1];
          for (let x = 0; x < width; x++, from += stride[1]) values[to + x] += given.values[from];
        }
      }
    }
  }
  return values;
}

/**
 * Divide the sums of windows, or what comes back to them, by what makes means of them.
 *
 * @param {Float32Array | Float64Array} values
 * @param {Stage} stage
 * @param {Shape} shape
 * @param {Shape} output
 * @param {Sliding} sliding
 */
function divideEach(values, stage, shape, [height, width, count], sliding) {
  const counts = [height, width].map((places, axis) =>
    range(places).map((place) => countAlong(place, axis, shape[axis], sliding, stage.keys.count_include_pad)),
  );
  for (let c = 0, to = 0; c < count; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, to++) values[to] /= Math.max(1, counts[0][y] * counts[1][x]);
    }
  }
}

/**
 * How a loss changes with what a pool reads: a window's delta goes to the first of its largest values, or to each of
 * its values a share.
 *
 * @param {Stage} stage
 * @param {Maps} input
 * @param {Shape} output
 * @param {Maps} delta
 * @returns {Maps}
 */
function pooledDeltas(stage, { shape, values }, output, delta) {
  const sliding = poolSliding(stage, shape);
  const [rows, columns] = [0, 1].map((axis) => range(output[axis]).map((place) =>
    tapsAt(place, axis, sliding).filter((sample) => sample >= 0 && sample < shape[axis])));
  const deltas = Float64Array.from(delta.values);
  if (stage.kind === "avgpool") divideEach(deltas, stage, shape, output, sliding);
  const sums = new Float64Array(values.length);
  const isMax = stage.kind === "maxpool";
  let index = 0;
  for (let map = 0; map < output[2]; map++) {
    for (const down of rows) {
      for (const along of columns) {
        let best = -1;
        for (const row of down) {
          const first = (map * shape[0] + row) * shape[1];
          for (const column of along) {
            const at = first + column;
            const isNew = Number.isNaN(values[at]) && !Number.isNaN(values[best]);
            if (!isMax) sums[at] += deltas[index];
            else if (best < 0 || values[at] > values[best] || isNew) best = at;
          }
        }
        if (best >= 0) sums[best] += deltas[index];
        index++;
      }
    }
  }
  return { shape, values: Float32Array.from(sums) };
}

KINDS.maxpool = poolKind("max");
KINDS.avgpool = poolKind("avg");
KINDS.sumpool = poolKind("sum");
