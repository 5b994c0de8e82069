// Maps of another height and width, each value a weighted mean of samples along rows, and of these along columns.

/** @typedef {[number, number][]} Taps  the samples along an axis that a value is made of, ascending, and their weights */

/**
 * The taps of all values, along rows and along columns.
 *
 * @param {Pair} sizes  how many values there are along each axis
 * @param {(axis: number, place: number) => Taps} of
 * @returns {[Taps[], Taps[]]}
 */
function tapsOf([height, width], of) {
  return [range(height).map((place) => of(0, place)), range(width).map((place) => of(1, place))];
}

/**
 * Maps whose values are weighted means of samples.
 *
 * @param {Maps} maps
 * @param {Taps[]} down  those of each row
 * @param {Taps[]} along  those of each column
 * @returns {Maps}
 */
function resampled({ shape, values }, down, along) {
  const [height, width, count] = shape;
  const result = emptyMaps([down.length, along.length, count]);
  const wide = new Float64Array(height * along.length);
  for (let map = 0, index = 0; map < count; map++) {
    for (let row = 0, to = 0; row < height; row++) {
      const first = (map * height + row) * width;
      for (const taps of along) {
        let sum = 0;
        for (const [sample, weight] of taps) sum += weight * values[first + sample];
        wide[to++] = sum;
      }
    }
    for (const taps of down) {
      for (let column = 0; column < along.length; column++) {
        let sum = 0;
        for (const [sample, weight] of taps) sum += weight * wide[sample * along.length + column];
        result.values[index++] = sum;
      }
    }
  }
  return result;
}

/**
 * How a loss changes with the samples of maps that were resampled.
 *
 * @param {Maps} delta
 * @param {Shape} shape  the maps'
 * @param {Taps[]} down
 * @param {Taps[]} along
 * @returns {Maps}
 */
function resampledDeltas({ values }, shape, down, along) {
  const [height, width, count] = shape;
  const sums = new Float64Array(height * width * count);
  for (let map = 0, index = 0; map < count; map++) {
    for (const rows of down) {
      for (const columns of along) {
        const delta = values[index++];
        for (const [row, high] of rows) {
          for (const [column, wide] of columns) sums[(map * height + row) * width + column] += high * wide * delta;
        }
      }
    }
  }
  return { shape, values: Float32Array.from(sums) };
}

/**
 * How resampled values change with a sample.
 *
 * @param {Taps[]} down
 * @param {Taps[]} along
 * @param {Place} at
 * @returns {Slope[]}
 */
function resampledSlopes(down, along, at) {
  const [rows, columns] = [down, along].map((lines, axis) => lines.flatMap((taps, place) =>
    taps.filter(([sample]) => sample === at[axis]).map(([, weight]) => ({ place, weight }))));
  return rows.flatMap((row) =>
    columns.map((column) => ({ at: [row.place, column.place, at[2]], slope: row.weight * column.weight })));
}

/**
 * The step of a weighted mean of samples.
 *
 * @param {Maps} maps
 * @param {Taps} down
 * @param {Taps} along
 * @param {Place} at
 * @param {number} value
 * @returns {AnyStep}
 */
function explainedResampling(maps, down, along, at, value) {
  const [rows, columns] = [down, along].map((taps) => taps.map(([sample]) => sample));
  const values = rows.map((row) => columns.map((column) => valueAt(maps, [row, column, at[2]])));
  const kernel = down.map(([, high]) => along.map(([, wide]) => high * wide));
  const products = kernel.map((weights, i) => weights.map((weight, j) => weight * values[i][j]));
  const most = mostOf(products.flat());
  const follows = [rows[Math.floor(most / columns.length)], columns[most % columns.length], at[2]];
  if (kernel.length === 1 && kernel[0].length === 1 && kernel[0][0] === 1) return copied(at, value, follows);
  const window = { channel: at[2], rows, columns, values, padding: values.map((row) => row.map(() => false)) };
  const sum = products.flat().reduce((all, each) => all + each, 0);
  return { kind: "resample", at, value, follows, samples: { window, kernel, products, sum } };
}
