// Transposed convolutions, which enlarge maps: each sample adds the kernel, as often as it counts, to the result.

/**
 * How many maps a stage makes of so many channels.
 *
 * @param {Stage} stage
 * @param {number} channels
 */
function transposedCount(stage, channels) {
  const { kernels, sizes, groups } = stage.keys;
  if (kernels.length) return channels * filterCount(kernels);
  if (sizes) {
    if (channels % groups || sizes.count % groups) {
      throw new Mistake(`groups=${groups} does not divide ${channels} input channels and ${sizes.count} maps`);
    }
  }
  const [inputs, outputs] = stage.learned.weight.shape;
  if (inputs !== channels || channels % groups) {
    throw new Mistake(`${bankName(stage)} holds weights over ${inputs} channels in ${groups} group` +
      `${groups > 1 ? "s" : ""}, but ${channels} ${channels === 1 ? "arrives" : "arrive"}; another stage before it ` +
      "must give that many");
  }
  return outputs * groups;
}

/**
 * How many filters some kernels have.
 *
 * @param {Kernel[]} kernels
 */
function filterCount(kernels) {
  return kernels.reduce((count, { filters }) => count + filters.length, 0);
}

/**
 * @typedef {object} PlacedFilter  what the samples are multiplied with to make one map
 * @property {number[]} channels  those of the input that it is made of
 * @property {number[][][]} weights  a matrix for each of them
 * @property {number} bias
 */

/**
 * The filter of a map.
 *
 * @param {Stage} stage
 * @param {number} channels  those of the input
 * @param {number} map
 * @returns {PlacedFilter}
 */
function placedFilter({ keys, learned }, channels, map) {
  if (keys.kernels.length) {
    const planes = keys.kernels.flatMap((/** @type {Kernel} */ { filters, scale }) =>
      filters.map((filter) => filter.map((row) => row.map((each) => Math.fround((each * scale[0]) / scale[1])))));
    const channel = Math.floor(map / planes.length);
    return { channels: [channel], weights: [planes[map % planes.length]], bias: Math.fround(keys.bias) };
  }
  const [, outputs, height, width] = learned.weight.shape;
  const inputs = channels / keys.groups;
  const group = Math.floor(map / outputs);
  const own = range(inputs).map((channel) => group * inputs + channel);
  const weights = own.map((channel) => range(height).map((row) => {
    const begin = ((channel * outputs + (map % outputs)) * height + row) * width;
    return [...learned.weight.values.subarray(begin, begin + width)];
  }));
  return { channels: own, weights, bias: Math.fround(keys.bias + (learned.bias?.values[map] ?? 0)) };
}

/**
 * Add a sample's kernel to sums, of all samples of a map.
 *
 * @param {Float64Array} sums  of the result's size
 * @param {Shape} shape  that
 * @param {Maps} input
 * @param {number} channel
 * @param {number[][]} weights
 * @param {Placing} placing
 */
function addPlaced(sums, [tall, wide], { shape: [height, width], values }, channel, weights, placing) {
  const samples = values.subarray(channel * height * width, (channel + 1) * height * width);
  weights.forEach((line, m) => line.forEach((weight, n) => {
    if (weight === 0) return; // whatever it meets
    addSpread(sums, rowsMet([height, width], [tall, wide], placing, m, n), placing.stride[1], weight, samples);
  }));
}

KINDS.convtranspose = {
  output(stage, [shape]) {
    const [height, width, channels] = takesMaps(shape, stage);
    checkPlacing(stage);
    const count = transposedCount(stage, channels);
    const placing = placingOf(stage);
    const whole = [0, 1].map((axis) => placedSize(shape[axis], axis, placing));
    const sizes = whole.map((n, axis) => n - placing.pads[axis][0] - placing.pads[axis][1]);
    if (Math.min(...sizes) < 1) {
      throw new Mistake(`a padding of ${showPadding(stage.keys.padding)} leaves nothing of the ${showShape(whole)} that ` +
        `${showShape([height, width])} becomes; use less`);
    }
    return [...sizes, count];
  },
  figures(stage, [shape]) {
    const { kernels, file, bias, sizes: told, biased, groups } = stage.keys;
    const placing = placingOf(stage);
    const out = this.output(stage, [shape]);
    const [height, width] = [0, 1].map((axis) => transposedArithmetic(shape[axis], out[axis], axis, placing));
    const size = height === width ? height : `height: ${height}\nwidth: ${width}`;
    const places = out[0] * out[1];
    if (kernels.length) {
      const taps = product(placing.window);
      return { parameters: file ? taps : 0, macs: places * out[2] * (taps + Number(bias !== 0)), arithmetic: size };
    }
    const inputs = [...placing.window, shape[2] / groups];
    const hasBias = told ? biased : Boolean(stage.learned.bias);
    const parameters = out[2] * (product(inputs) + Number(hasBias));
    return { parameters, macs: places * parameters, arithmetic: `${size}\n${parametersArithmetic(inputs, out[2], hasBias)}` };
  },
  compute(stage, [input]) {
    const result = emptyMaps(this.output(stage, [input.shape]));
    const placing = placingOf(stage);
    const size = planeSize(result.shape);
    for (const map of range(result.shape[2])) {
      const { channels, weights, bias } = placedFilter(stage, input.shape[2], map);
      const sums = new Float64Array(size).fill(bias);
      channels.forEach((channel, index) => addPlaced(sums, result.shape, input, channel, weights[index], placing));
      result.values.set(sums, map * size);
    }
    return result;
  },
  regions(stage, [shape], at) {
    const placing = placingOf(stage);
    const { channels } = placedFilter(stage, shape[2], at[2]);
    const [rows, columns] = [0, 1].map((axis) => meeting(placing, axis, at[axis]).map(({ sample }) => sample));
    const outer = (/** @type {number[]} */ numbers) =>
      /** @type {Pair} */ (numbers.length ? [numbers[0], numbers[numbers.length - 1]] : [0, -1]);
    const step = /** @type {Pair} */ ([rows, columns].map((samples) => (samples.length > 1 ? samples[1] - samples[0] : 1)));
    return [{ rows: outer(rows), columns: outer(columns), maps: outer(channels), step }];
  },
  sights(stage) {
    const placing = placingOf(stage);
    const [height, width] = [0, 1].map((axis) => {
      const [window, stride, dilation] = [placing.window[axis], placing.stride[axis], placing.dilation[axis]];
      const [apart, step] = lowest(stride, dilation);
      const count = Math.min(window, apart); // of kinds of places, each of which ends with one of the last taps
      const seen = (/** @type {number} */ place) => meeting(placing, axis, place).map(({ sample }) => sample);
      return {
        size: 1 + ((window - count) * step) / count,
        stride: 1 / stride,
        start: (2 * placing.pads[axis][0] - dilation * (2 * window - count - 1)) / (2 * stride),
        seen,
        period: stride,
      };
    });
    return [height, width];
  },
  explain(stage, [input], at, value) {
    const placing = placingOf(stage);
    const { channels, weights, bias } = placedFilter(stage, input.shape[2], at[2]);
    const [down, along] = [0, 1].map((axis) =>
      meeting(placing, axis, at[axis]).filter(({ sample }) => sample >= 0 && sample < input.shape[axis]));
    const [rows, columns] = [down, along].map((each) => each.map(({ sample }) => sample));
    const padding = rows.map(() => columns.map(() => false));
    const told = channels.map((channel, index) => {
      const values = rows.map((row) => columns.map((column) => valueAt(input, [row, column, channel])));
      const kernel = down.map(({ tap: m }) => along.map(({ tap: n }) => weights[index][m][n]));
      const products = kernel.map((line, i) => line.map((weight, j) => (weight === 0 ? 0 : weight * values[i][j])));
      const sum = products.flat().reduce((all, each) => all + each, 0);
      return { window: { channel, rows, columns, values, padding }, kernel, products, sum };
    });
    const total = told.reduce((all, { sum }) => all + sum, 0);
    const count = rows.length * columns.length;
    const most = mostOf(told.flatMap(({ products }) => products.flat()));
    const follows = count
      ? [rows[Math.floor((most % count) / columns.length)], columns[most % columns.length], channels[Math.floor(most / count)]]
      : null;
    const { kernels } = stage.keys;
    return {
      kind: "transposed", at, value, follows,
      filter: kernels.length ? kernels[at[2] % kernels.length].name : `${bankName(stage)}, map ${at[2]}`,
      filters: [{ channels: told, total, scale: 1, value: total }],
      combine: null,
      bias,
      kernel_rows: down.map(({ tap }) => tap),
      kernel_columns: along.map(({ tap }) => tap),
      stride: placing.stride,
      padding: [placing.pads[0][0], placing.pads[1][0]],
      dilation: placing.dilation,
    };
  },
  ...transposedDeltas,
  text(stage) {
    const { kernels, sizes, file, stride, padding, output_padding, dilation, groups, bias, biased, numbers } = stage.keys;
    const what = sizes ? [`${sizes.count}@${sizes.window.join("x")}`] : file ?? [kernels.map(kernelText).join("+")];
    const options = showOptions({
      stride: [showPair(stride), showPair(stride) !== "1"],
      padding: [showPadding(padding), showPadding(padding) !== "0"],
      output_padding: [showPair(output_padding), showPair(output_padding) !== "0"],
      dilation: [showPair(dilation), showPair(dilation) !== "1"],
      groups: [`${groups}`, groups > 1],
      bias: [biased ? showNumber(bias) : "no", bias !== 0 || !biased],
    });
    return ["convtranspose", ...what, ...options, ...numbers].join(":");
  },
  parse(text) {
    const known = ["kernel", "stride", "padding", "output_padding", "dilation", "bias"];
    const given = readArguments(text, known, "kernel");
    if (given.kernel === undefined) throw new Mistake("needs a kernel, such as convtranspose:1 2; 3 4:stride=2");
    const keys = {
      kernels: readKernels(given.kernel),
      sizes: null,
      file: null,
      stride: readPair(given.stride ?? "1", "stride"),
      padding: readPadding(given.padding ?? "0"),
      output_padding: readExtra(given.output_padding ?? "0"),
      dilation: readPair(given.dilation ?? "1", "dilation"),
      groups: 1,
      bias: readNumber(given.bias ?? "0"),
      biased: true,
      numbers: [],
    };
    checkPlacing({ keys });
    return { keys };
  },
  controls: [
    ...FILTER_CONTROLS,
    { key: "output_padding", label: "output padding", type: "pair", least: 0 },
    { key: "dilation", label: "dilation", type: "pair" },
    { key: "bias", label: "bias", type: "number", when: (stage) => !stage.keys.sizes },
  ],
};

/**
 * How many rows and columns are added at the end, from a text.
 *
 * @param {string} text
 * @returns {Pair}
 */
function readExtra(text) {
  const padding = readPadding(text);
  if (typeof padding !== "string" && padding.every(([begin, end]) => begin === end)) return [padding[0][0], padding[1][0]];
  throw new Mistake(`output_padding takes one number or two (HEIGHTxWIDTH), not ${quoted(text)}`);
}

/**
 * Throw a mistake if the keys of a stage do not go together.
 *
 * @param {Pick<Stage, "keys">} stage
 */
function checkPlacing({ keys: { kernels, padding, output_padding: extra, stride, dilation } }) {
  for (const { name, combine, filters } of kernels) {
    if (combine) throw new Mistake(`${name} is the ${combine} of several kernels; name one, such as ${name}-x`);
    const [matrix] = kernels[0].filters;
    if (filters[0].length !== matrix.length || filters[0][0].length !== matrix[0].length) {
      throw new Mistake("kernels of one stage must have one size");
    }
  }
  if (typeof padding === "string" && Math.max(...extra) > 0) {
    throw new Mistake(`padding=${padding} settles the size; output_padding goes with paddings in numbers`);
  }
  for (const axis of [0, 1]) {
    const most = Math.max(stride[axis], dilation[axis]);
    if (extra[axis] >= most) {
      throw new Mistake(`output_padding must be less than the stride or the dilation, ${most}, not ${extra[axis]}`);
    }
  }
}
