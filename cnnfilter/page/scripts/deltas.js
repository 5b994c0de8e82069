// How a loss changes with what stages read, from how it does with what they give: what their tables share.

/**
 * The entries of a kind whose values each depend on the one at their place: a delta times the slope there.
 *
 * @param {(stage: Stage, map: number) => (x: number, y: number) => number} slope  that of one map, from x and the value
 * @returns {Pick<Kind, "deltas" | "slopes">}
 */
function slopeBySlope(slope) {
  return {
    deltas(stage, [{ shape, values }], output, delta) {
      const result = emptyMaps(shape);
      const size = planeSize(shape);
      for (let map = 0, index = 0; map < countOf(shape); map++) {
        const rule = slope(stage, map);
        for (const end = index + size; index < end; index++) {
          result.values[index] = delta.values[index] * rule(values[index], output.values[index]);
        }
      }
      return [result];
    },
    slopes: (stage, [maps], output, _input, at) =>
      [{ at, slope: slope(stage, at[at.length - 1])(valueAt(maps, at), valueAt(output, at)) }],
  };
}

/**
 * The values that see a sample through their windows, in its map, and through which row and column of these; some see
 * it several times, where the border repeats it.
 *
 * @param {[Sight, Sight]} sights
 * @param {Shape} shape  of the input
 * @param {Shape} output
 * @param {string} border
 * @param {Place} at
 * @returns {{at: Place, taps: Pair}[]}
 */
function seers(sights, shape, output, border, at) {
  const [rows, columns] = sights.map(({ seen }, axis) => range(output[axis]).flatMap((place) => {
    const isSeen = (/** @type {number} */ sample) => sampleAt(sample, shape[axis], border) === at[axis];
    return seen(place).flatMap((sample, tap) => (isSeen(sample) ? [{ place, tap }] : []));
  }));
  return rows.flatMap((row) => columns.map((column) =>
    ({ at: [row.place, column.place, at[2]], taps: /** @type {Pair} */ ([row.tap, column.tap]) })));
}

/**
 * Maps of the size that they had before padding, each value the sum of all that the padding made of it.
 *
 * @param {Maps} maps
 * @param {Shape} shape
 * @param {Pair} begin  rows above and columns to the left that were put there, below 0 where they were taken away
 * @param {string} border
 * @returns {Maps}
 */
function unpadded(maps, shape, [top, left], border) {
  const [tall, wide, count] = maps.shape;
  if (!top && !left && tall === shape[0] && wide === shape[1]) return maps;
  const sums = new Float64Array(product(shape));
  const columns = range(wide).map((column) => sampleAt(column - left, shape[1], border));
  for (let map = 0, index = 0; map < count; map++) {
    for (let row = 0; row < tall; row++) {
      const from = sampleAt(row - top, shape[0], border);
      const first = (map * shape[0] + from) * shape[1];
      for (const column of columns) {
        if (from >= 0 && column >= 0) sums[first + column] += maps.values[index];
        index++;
      }
    }
  }
  return { shape, values: Float32Array.from(sums) };
}
