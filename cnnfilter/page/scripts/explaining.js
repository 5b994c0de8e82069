// What explanations share: windows as they are told, and which value counts most.

/**
 * A stage that takes maps has them.
 *
 * @param {Shape} shape
 * @param {Stage} stage
 */
function takesMaps(shape, stage) {
  if (shape.length === 3) return shape;
  throw new Mistake(
    `takes maps (H, W, C), not a vector of ${shape[0]}; put ${stage.kind} before flatten and dense`,
  );
}

/** The figures of a stage that costs nothing and whose size is the one that arrives. */
const noFigures = () => ({ parameters: 0, macs: 0, arithmetic: "" });

/**
 * The part of a `Kind` of those whose values each depend on the one at their own place.
 *
 * @type {Pick<Kind, "output" | "figures" | "regions">}
 */
const sameSize = {
  output: (_, [shape]) => shape,
  figures: noFigures,
  regions: (_, __, at) => [regionOf(at)],
};

/**
 * The region of one value.
 *
 * @param {Place} at
 * @returns {Region}
 */
function regionOf(at) {
  if (at.length === 1) return { range: [at[0], at[0]] };
  return { rows: [at[0], at[0]], columns: [at[1], at[1]], maps: [at[2], at[2]] };
}

/**
 * The value at a place.
 *
 * @param {Maps} maps
 * @param {Place} at
 */
function valueAt({ shape, values }, at) {
  return values[at.length === 1 ? at[0] : (at[2] * shape[0] + at[0]) * shape[1] + at[1]];
}

/**
 * @typedef {object} Held  what a window holds of one map, as `explain --json` has it
 * @property {number} channel
 * @property {number[]} rows
 * @property {number[]} columns
 * @property {number[][]} values
 * @property {boolean[][]} padding
 */

/**
 * The window that made the value at a place.
 *
 * @param {Maps} input
 * @param {Sliding} sliding
 * @param {Place} at
 * @param {number} channel
 * @param {string} border
 * @param {number} fill  what a constant border holds
 * @returns {Held}
 */
function windowAt(input, sliding, at, channel, border, fill) {
  const [height, width] = input.shape;
  const rows = tapsAt(at[0], 0, sliding);
  const columns = tapsAt(at[1], 1, sliding);
  // what a window rounded up reaches beyond the padding holds the constant too
  const places = [rows.map((row) => sampleAt(row, height, border)), columns.map((x) => sampleAt(x, width, border))];
  const values = places[0].map((row) =>
    places[1].map((column) => (row < 0 || column < 0 ? fill : valueAt(input, [row, column, channel]))),
  );
  const padding = rows.map((row) => columns.map((column) => row < 0 || row >= height || column < 0 || column >= width));
  return { channel, rows, columns, values, padding };
}

/**
 * Which value of some windows counts most, as [window, row, column]: that of the largest magnitude outside of the
 * padding, of equals the nearest to the middle; null where all is padding.
 *
 * @param {number[][][]} windows
 * @param {boolean[][]} padding
 * @returns {[number, number, number] | null}
 */
function mostInside(windows, padding) {
  const [height, width] = [padding.length, padding[0].length];
  /** @type {[number, number, number] | null} */
  let found = null;
  let [most, nearest] = [-1, Infinity];
  windows.forEach((values, window) => {
    for (let m = 0; m < height; m++) {
      for (let n = 0; n < width; n++) {
        if (padding[m][n]) continue;
        const size = Number.isNaN(values[m][n]) ? Infinity : Math.abs(values[m][n]);
        const away = Math.hypot(m - (height - 1) / 2, n - (width - 1) / 2);
        if (size > most || (size === most && away < nearest)) [found, most, nearest] = [[window, m, n], size, away];
      }
    }
  });
  return found;
}

/**
 * Where the largest value of a window lies, outside of the padding, as [0, row, column]: the first of equals.
 *
 * @param {Held} window
 * @returns {[number, number, number] | null}
 */
function winner({ values, padding }) {
  /** @type {[number, number, number] | null} */
  let found = null;
  let most = -Infinity;
  values.forEach((row, m) =>
    row.forEach((value, n) => {
      const ranked = Number.isNaN(value) ? Infinity : value;
      if (!padding[m][n] && (found === null || ranked > most)) [found, most] = [[0, m, n], ranked];
    }),
  );
  return found;
}
