// One value for each whole map: its mean, or its largest.

/**
 * A kind that makes one value of each whole map.
 *
 * @param {string} name
 * @param {string} what  what the value is of the samples
 * @param {(plane: Float32Array) => number} reduce
 * @param {Kind["explain"]} explain
 * @param {(plane: Float32Array) => ArrayLike<number>} share  how much it changes with each sample
 * @returns {Kind}
 */
function globalPool(name, what, reduce, explain, share) {
  return {
    output: (stage, [shape]) => [1, 1, takesMaps(shape, stage)[2]],
    figures: (_, [[height, width]]) =>
      ({ ...noFigures(), arithmetic: `${what} of ${height}*${width} = ${height * width}` }),
    compute(_, [maps]) {
      const result = emptyMaps([1, 1, maps.shape[2]]);
      for (const map of range(maps.shape[2])) result.values[map] = reduce(planeOf(maps, map));
      return result;
    },
    regions: (_, [[height, width]], at) =>
      [{ rows: [0, height - 1], columns: [0, width - 1], maps: [at[2], at[2]] }],
    seesAll: () => true,
    explain,
    deltas(_, [maps], _output, delta) {
      const result = emptyMaps(maps.shape);
      const size = planeSize(maps.shape);
      for (const map of range(maps.shape[2])) {
        const shares = share(planeOf(maps, map));
        for (let index = 0; index < size; index++) result.values[map * size + index] = delta.values[map] * shares[index];
      }
      return [result];
    },
    slopes: (_, [maps], _output, _input, at) =>
      [{ at: [0, 0, at[2]], slope: share(planeOf(maps, at[2]))[at[0] * maps.shape[1] + at[1]] }],
    ...worded(name, []),
  };
}

/**
 * The values of one map.
 *
 * @param {Maps} maps
 * @param {number} map
 */
function planeOf({ shape, values }, map) {
  const size = planeSize(shape);
  return values.subarray(map * size, (map + 1) * size);
}

/**
 * The sum of some values.
 *
 * @param {Iterable<number>} values
 */
function sumOf(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/**
 * Which value is the first of the largest; a NaN is larger than all.
 *
 * @param {Float32Array} values
 */
function largestOf(values) {
  let found = 0;
  for (let index = 0; index < values.length; index++) {
    if (Number.isNaN(values[index])) return index;
    if (values[index] > values[found]) found = index;
  }
  return found;
}

KINDS.globalavgpool = globalPool("globalavgpool", "mean", (plane) => sumOf(plane) / plane.length,
  (_, [maps], at, value) => {
    const plane = planeOf(maps, at[2]);
    const most = mostOf(plane);
    const follows = [Math.floor(most / maps.shape[1]), most % maps.shape[1], at[2]];
    return { kind: "mean", at, value, follows, sum: sumOf(plane), count: plane.length };
  },
  (plane) => new Float64Array(plane.length).fill(1 / plane.length));

KINDS.globalmaxpool = globalPool("globalmaxpool", "largest", (plane) => plane[largestOf(plane)],
  (_, [maps], at, value) => {
    const plane = planeOf(maps, at[2]);
    const first = largestOf(plane);
    const follows = [Math.floor(first / maps.shape[1]), first % maps.shape[1], at[2]];
    return { kind: "largest", at, value, follows, count: plane.length };
  },
  (plane) => new Float64Array(plane.length).fill(1, largestOf(plane), largestOf(plane) + 1));
