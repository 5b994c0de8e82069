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
  ...worded("lrn", [
    wholeKey("size", "Maps", 5),
    numberKey("alpha", "Alpha", 1e-4),
    numberKey("beta", "Beta", 0.75),
    numberKey("bias", "Bias", 1),
  ], "size"),
};
