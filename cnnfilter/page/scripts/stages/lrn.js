// Local response normalisation: each value over a power of the squares of the maps around it.

/**
 * The first and the last map whose squares are summed for one of so many.
 *
 * @param {Stage} stage
 * @param {number} map
 * @param {number} channels
 * @returns {Pair}
 */
function around({ keys: { size } }, map, channels) {
  return [Math.max(0, map - Math.floor((size - 1) / 2)), Math.min(channels - 1, map + Math.floor(size / 2))];
}

KINDS.lrn = {
  ...sameSize,
  output: (stage, [shape]) => takesMaps(shape, stage),
  work: (stage, [shape]) => product(shape) * Math.min(stage.keys.size, shape[2]),
  compute(stage, [{ shape, values }]) {
    const { size: width, alpha, beta, bias } = stage.keys;
    const result = emptyMaps(shape);
    const size = planeSize(shape);
    for (let map = 0, index = 0; map < shape[2]; map++) {
      const [first, last] = around(stage, map, shape[2]);
      for (let place = 0; place < size; place++, index++) {
        let sum = 0;
        for (let other = first; other <= last; other++) sum += values[other * size + place] ** 2;
        result.values[index] = values[index] / (bias + (alpha / width) * sum) ** beta;
      }
    }
    return result;
  },
  regions: (stage, [shape], at) => [regionAcross(at, ...around(stage, at[2], shape[2]))],
  explain(stage, [maps], at, value) {
    const { size, alpha, beta, bias } = stage.keys;
    const [first, last] = around(stage, at[2], maps.shape[2]);
    const inputs = channelsAt(maps, at, first, last - first + 1);
    const squares = inputs.map((each) => each * each);
    const sum = squares.reduce((all, each) => all + each, 0);
    const divisor = `(${show(bias)} + ${showFactor(alpha)}/${size} * ${show(sum)})^${show(beta)}`;
    const formula = `${show(inputs[at[2] - first])} / ${divisor}`;
    return { kind: "lrn", at, value, follows: at, first, inputs, squares, sum, formula };
  },
  deltas(stage, [{ shape, values }], _output, delta) {
    const { size: width, alpha, beta, bias } = stage.keys;
    const [size, count, share] = [planeSize(shape), shape[2], alpha / width];
    const near = range(count).map((map) => around(stage, map, count));
    const sums = new Float64Array(values.length);
    for (let place = 0; place < size; place++) {
      for (let map = 0; map < count; map++) {
        let squares = 0;
        for (let other = near[map][0]; other <= near[map][1]; other++) squares += values[other * size + place] ** 2;
        const index = map * size + place;
        const divisor = bias + share * squares;
        const own = delta.values[index] / divisor ** beta;
        sums[index] += own;
        const back = (2 * beta * share * values[index] * own) / divisor;
        for (let other = near[map][0]; other <= near[map][1]; other++) {
          sums[other * size + place] -= back * values[other * size + place];
        }
      }
    }
    return [{ shape, values: Float32Array.from(sums) }];
  },
  slopes(stage, [maps], _output, _input, at) {
    const { size, alpha, beta, bias } = stage.keys;
    const values = channelsAt(maps, at, 0, maps.shape[2]);
    return range(values.length).flatMap((map) => {
      const [first, last] = around(stage, map, values.length);
      if (at[2] < first || at[2] > last) return [];
      const sum = values.slice(first, last + 1).reduce((all, each) => all + each * each, 0);
      const divisor = bias + (alpha / size) * sum;
      const shared = (2 * beta * alpha * values[map] * values[at[2]]) / (size * divisor);
      return [{ at: inMap(at, map), slope: (Number(map === at[2]) - shared) / divisor ** beta }];
    });
  },
  ...worded("lrn", [
    wholeKey("size", "Maps", 5),
    numberKey("alpha", "Alpha", 1e-4),
    numberKey("beta", "Beta", 0.75),
    numberKey("bias", "Bias", 1),
  ], "size"),
};
