// How deltas come back through convolutions and transposed ones: each of two maps of different sizes is spread over the
// other, or gathered from it, tap by tap of the window.

/**
 * Where the samples of a small map meet a large one through a tap of the window: of each row that does, the first index
 * in both, and how many there are.
 *
 * @param {Pair} small  height and width
 * @param {Pair} large
 * @param {Pick<Sliding, "window" | "stride" | "dilation" | "pads">} sliding
 * @param {number} m  the tap's row
 * @param {number} n  its column
 */
function rowsMet([height, width], [tall, wide], { stride, dilation, pads }, m, n) {
  const left = n * dilation[1] - pads[1][0];
  const first = Math.max(0, Math.ceil(-left / stride[1]));
  const count = Math.min(width - 1, Math.floor((wide - 1 - left) / stride[1])) - first + 1;
  const rows = [];
  for (let i = 0; i < height && count > 0; i++) {
    const row = i * stride[0] + m * dilation[0] - pads[0][0];
    if (row >= 0 && row < tall) rows.push(i * width + first, row * wide + left + first * stride[1], count);
  }
  return Int32Array.from(rows);
}

/**
 * Those of all taps of a window, row by row.
 *
 * @param {Pair} small
 * @param {Pair} large
 * @param {Pick<Sliding, "window" | "stride" | "dilation" | "pads">} sliding
 */
function allRowsMet(small, large, sliding) {
  const [height, width] = sliding.window;
  return range(height * width).map((tap) => rowsMet(small, large, sliding, Math.floor(tap / width), tap % width));
}

/**
 * Add the samples of a small map, as often as a weight says, to the sums of a large one.
 *
 * @param {Float64Array} sums
 * @param {Int32Array} rows  where they meet
 * @param {number} step  from one sum to the next: the stride
 * @param {number} weight
 * @param {ArrayLike<number>} values
 */
function addSpread(sums, rows, step, weight, values) {
  for (let row = 0; row < rows.length; row += 3) {
    const end = rows[row] + rows[row + 2];
    for (let from = rows[row], to = rows[row + 1]; from < end; from++, to += step) sums[to] += weight * values[from];
  }
}

/**
 * Add the values of a large map, as often as a weight says, to the sums of a small one.
 *
 * @param {Float64Array} sums
 * @param {Int32Array} rows  where they meet
 * @param {number} step  from one value to the next: the stride
 * @param {number} weight
 * @param {ArrayLike<number>} values
 */
function addGathered(sums, rows, step, weight, values) {
  for (let row = 0; row < rows.length; row += 3) {
    const end = rows[row] + rows[row + 2];
    for (let to = rows[row], from = rows[row + 1]; to < end; to++, from += step) sums[to] += weight * values[from];
  }
}

/**
 * The sum of each sample of a small map times the value of a large one that it meets.
 *
 * @param {Int32Array} rows  where they meet
 * @param {number} step  from one value to the next: the stride
 * @param {Float32Array} small
 * @param {Float32Array} large
 */
function sumMet(rows, step, small, large) {
  let sum = 0;
  for (let row = 0; row < rows.length; row += 3) {
    const end = rows[row] + rows[row + 2];
    for (let from = rows[row], to = rows[row + 1]; from < end; from++, to += step) sum += small[from] * large[to];
  }
  return sum;
}

/**
 * How much what is made of the answers of a kernel's filters changes with each: of a magnitude of 0 nothing, of the
 * largest the first.
 *
 * @type {Record<string, (answers: number[]) => number[]>}
 */
const SHARES = {
  magnitude(answers) {
    const root = Math.hypot(...answers);
    return answers.map((answer) => (root === 0 ? 0 : answer / root));
  },
  maximum(answers) {
    const first = answers.indexOf(Math.max(...answers));
    return answers.map((_, number) => Number(number === first));
  },
};

/**
 * The deltas of the answer of each filter of a map, which combine to it.
 *
 * @param {Stage} stage
 * @param {Maps} input
 * @param {ReturnType<typeof flatFilter>} filter  the map's
 * @param {number} channel  the one that it looks at
 * @param {Float32Array} deltas
 * @returns {Float32Array[]}
 */
function deltasOfFilters(stage, input, { filters, scales, combine }, channel, deltas) {
  if (!combine) return [deltas];
  const [height, width] = convolutionWindow(stage);
  const maps = { shape: [input.shape[0], input.shape[1], 1], values: planeOf(input, channel) };
  const answers = filters.map((flat, number) => {
    const matrix = range(height).map((row) => Array.from(flat).slice(row * width, (row + 1) * width));
    const kernels = [{ name: "", filters: [matrix], scale: scales[number], combine: null }];
    return convolved({ ...stage, keys: { ...stage.keys, kernels, scale: "none", bias: 0 } }, [maps]).values;
  });
  const all = filters.map(() => new Float32Array(deltas.length));
  deltas.forEach((delta, index) => {
    const shares = SHARES[combine](answers.map((answer) => answer[index]));
    shares.forEach((share, number) => { all[number][index] = share * delta; });
  });
  return all;
}

/**
 * The maps of a convolution that look at a channel, and which of their channels it is.
 *
 * @param {Stage} stage
 * @param {number} channels  those of the input
 * @param {number} count  how many maps there are
 * @param {number} channel
 */
function mapsOver(stage, channels, count, channel) {
  return range(count).flatMap((map) => {
    const [first, inputs] = channelsOf(stage, channels, map);
    return channel >= first && channel < first + inputs ? [{ map, own: channel - first }] : [];
  });
}

/** @type {Pick<Kind, "deltas" | "slopes" | "gradients" | "weights">} */
const convolutionDeltas = {
  deltas(stage, [input], { shape: [height, width, count] }, delta) {
    const { border, flip } = stage.keys;
    const sliding = convolutionSliding(stage, input.shape);
    const { stride, pads } = sliding;
    const [tall, wide] = pads.map(([begin, end], axis) => input.shape[axis] + begin + end);
    const rows = allRowsMet([height, width], [tall, wide], { ...sliding, pads: [[0, 0], [0, 0]] });
    const filters = range(count).map((map) => flatFilter(stage, map));
    const result = emptyMaps([tall, wide, input.shape[2]]);
    const sums = new Float64Array(tall * wide);
    for (const channel of range(input.shape[2])) {
      sums.fill(0);
      for (const { map, own } of mapsOver(stage, input.shape[2], count, channel)) {
        deltasOfFilters(stage, input, filters[map], channel, planeOf(delta, map)).forEach((deltas, number) => {
          const [over, under] = filters[map].scales[number];
          const flat = filters[map].filters[number];
          rows.forEach((each, tap) => {
            const weight = flat[own * rows.length + (flip ? rows.length - 1 - tap : tap)];
            if (weight !== 0) addSpread(sums, each, stride[1], (weight * over) / under, deltas);
          });
        });
      }
      result.values.set(sums, channel * tall * wide);
    }
    return [unpadded(result, input.shape, [pads[0][0], pads[1][0]], border)];
  },
  slopes(stage, [input], output, _input, at) {
    const { border } = stage.keys;
    const sliding = convolutionSliding(stage, input.shape);
    const seen = seers(slidingSights(sliding), input.shape, output.shape, border, at);
    return mapsOver(stage, input.shape[2], output.shape[2], at[2]).flatMap(({ map, own }) => {
      const { weights, scales, combine } = filterOf(stage, input.shape[2], map);
      return seen.map((seer) => {
        const there = inMap(seer.at, map);
        const slopes = weights.map((each, number) =>
          (each[own][seer.taps[0]][seer.taps[1]] * scales[number][0]) / scales[number][1]);
        if (!combine) return { at: there, slope: slopes[0] };
        const { filters } = explainedConvolution(stage, [input], there, 0);
        const shares = SHARES[combine](filters.map((/** @type {{value: number}} */ { value }) => value));
        return { at: there, slope: slopes.reduce((sum, slope, number) => sum + slope * shares[number], 0) };
      });
    });
  },
  gradients(stage, [input], delta) {
    const { keys: { border }, learned: { weight, bias } } = stage;
    if (!weight) return {};
    const sliding = convolutionSliding(stage, input.shape);
    const given = padded(input, sliding.pads, border, borderValue(border));
    const [small, large] = [delta, given].map(({ shape }) => /** @type {Pair} */ (shape.slice(0, 2)));
    const rows = allRowsMet(small, large, { ...sliding, pads: [[0, 0], [0, 0]] });
    const values = new Float32Array(weight.values.length);
    for (let map = 0, index = 0; map < delta.shape[2]; map++) {
      const [first, inputs] = channelsOf(stage, input.shape[2], map);
      for (let channel = first; channel < first + inputs; channel++) {
        const [deltas, samples] = [planeOf(delta, map), planeOf(given, channel)];
        for (const each of rows) values[index++] = sumMet(each, sliding.stride[1], deltas, samples);
      }
    }
    return { weight: { shape: weight.shape, values }, ...(bias && { bias: sumsOfMaps(delta) }) };
  },
  weights: {
    value(stage, [map, own, row, column]) {
      const { filters, scales: [[over, under]] } = flatFilter(stage, map);
      const [height, width] = convolutionWindow(stage);
      const [m, n] = stage.keys.flip ? [height - 1 - row, width - 1 - column] : [row, column];
      return (filters[0][(own * height + m) * width + n] * over) / under;
    },
    met(stage, input, [map, own, m, n], { shape: [height, width], values }) {
      const { border } = stage.keys;
      const sliding = convolutionSliding(stage, input.shape);
      const channel = channelsOf(stage, input.shape[2], map)[0] + own;
      const [rows, columns] = [m, n].map((tap, axis) => range([height, width][axis]).map((place) =>
        sampleAt(tapsAt(place, axis, sliding)[tap], input.shape[axis], border)));
      const fill = borderValue(border);
      const samples = rows.flatMap((row) => columns.map((column) =>
        (row < 0 || column < 0 ? fill : valueAt(input, [row, column, channel]))));
      return {
        place: (index) => [Math.floor(index / width), index % width],
        deltas: Float64Array.from(values.subarray(map * height * width, (map + 1) * height * width)),
        samples: Float64Array.from(samples),
      };
    },
  },
};

/** @type {Pick<Kind, "deltas" | "slopes" | "gradients" | "weights">} */
const transposedDeltas = {
  deltas(stage, [{ shape }], { shape: [tall, wide, count] }, delta) {
    const placing = placingOf(stage);
    const size = planeSize(shape);
    const rows = allRowsMet([shape[0], shape[1]], [tall, wide], placing);
    const sums = new Float64Array(product(shape));
    for (const map of range(count)) {
      const { channels, weights } = placedFilter(stage, shape[2], map);
      const deltas = planeOf(delta, map);
      channels.forEach((channel, index) => {
        const own = sums.subarray(channel * size, (channel + 1) * size);
        weights[index].flat().forEach((weight, tap) => addGathered(own, rows[tap], placing.stride[1], weight, deltas));
      });
    }
    return [{ shape, values: Float32Array.from(sums) }];
  },
  slopes(stage, [{ shape }], { shape: output }, _input, at) {
    const { window, stride, dilation, pads } = placingOf(stage);
    const [rows, columns] = window.map((count, axis) => range(count)
      .map((tap) => ({ tap, place: at[axis] * stride[axis] - pads[axis][0] + tap * dilation[axis] }))
      .filter(({ place }) => place >= 0 && place < output[axis]));
    return range(output[2]).flatMap((map) => {
      const { channels, weights } = placedFilter(stage, shape[2], map);
      const own = channels.indexOf(at[2]);
      if (own < 0) return [];
      return rows.flatMap((row) => columns.map((column) =>
        ({ at: [row.place, column.place, map], slope: weights[own][row.tap][column.tap] })));
    });
  },
  gradients(stage, [input], delta) {
    const { keys: { groups }, learned: { weight, bias } } = stage;
    if (!weight) return {};
    const placing = placingOf(stage);
    const [small, large] = [input, delta].map(({ shape }) => /** @type {Pair} */ (shape.slice(0, 2)));
    const rows = allRowsMet(small, large, placing);
    const values = new Float32Array(weight.values.length);
    const [channels, outputs] = weight.shape;
    for (let channel = 0, index = 0; channel < channels; channel++) {
      const first = Math.floor(channel / (channels / groups)) * outputs;
      for (let map = first; map < first + outputs; map++) {
        const [samples, deltas] = [planeOf(input, channel), planeOf(delta, map)];
        for (const each of rows) values[index++] = sumMet(each, placing.stride[1], samples, deltas);
      }
    }
    return { weight: { shape: weight.shape, values }, ...(bias && { bias: sumsOfMaps(delta) }) };
  },
  weights: {
    value({ learned: { weight: { shape, values } } }, at) {
      return values[at.reduce((all, index, axis) => all * shape[axis] + index, 0)];
    },
    met(stage, input, [channel, own, ...taps], delta) {
      const { shape } = delta;
      const { stride, dilation, pads } = placingOf(stage);
      const outputs = stage.learned.weight.shape[1];
      const map = Math.floor(channel / (input.shape[2] / stage.keys.groups)) * outputs + own;
      const [rows, columns] = taps.map((tap, axis) => range(input.shape[axis])
        .map((sample) => ({ sample, place: sample * stride[axis] - pads[axis][0] + tap * dilation[axis] }))
        .filter(({ place }) => place >= 0 && place < shape[axis]));
      const both = rows.flatMap((row) => columns.map((column) => ({ row, column })));
      return {
        place: (index) => [both[index].row.place, both[index].column.place],
        deltas: Float64Array.from(both, ({ row, column }) => valueAt(delta, [row.place, column.place, map])),
        samples: Float64Array.from(both, ({ row, column }) => valueAt(input, [row.sample, column.sample, channel])),
      };
    },
  },
};
