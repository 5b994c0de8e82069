// @ts-check
// Maps drawn on canvases.

/**
 * One map as it lies on a canvas; a vector lies in rows, of which the last may be shorter (`count` numbers in all).
 * @typedef {{values: Float32Array, height: number, width: number, count: number}} Grid
 */

/** Of vectors up to this, 10 numbers stand in a row; of longer ones, about as many as there are rows. */
const SHORT_VECTOR = 120;

/**
 * How many numbers of a vector stand in a row.
 * @param {number} count
 */
function vectorColumns(count) {
  return count <= SHORT_VECTOR ? Math.min(count, 10) : Math.ceil(Math.sqrt(count * 1.6));
}

/**
 * One map, or a whole vector.
 * @param {Maps} maps
 * @param {number} map
 * @returns {Grid}
 */
function gridOf(maps, map) {
  if (maps.shape.length === 1) {
    const width = vectorColumns(maps.shape[0]);
    return { values: maps.values, height: Math.ceil(maps.shape[0] / width), width, count: maps.shape[0] };
  }
  const [height, width] = maps.shape;
  const count = height * width;
  return { values: maps.values.subarray(map * count, (map + 1) * count), height, width, count };
}

/**
 * Draws a map on a canvas, a pixel a value, or a pixel the mean of a square of values where it is larger than `most`.
 * @param {HTMLCanvasElement} canvas
 * @param {Grid} grid
 * @param {Scale} scale
 * @param {number} most
 */
function paint(canvas, grid, scale, most) {
  const step = Math.max(1, Math.ceil(Math.max(grid.height, grid.width) / most));
  const [height, width] = [Math.ceil(grid.height / step), Math.ceil(grid.width / step)];
  const image = new ImageData(width, height);
  const table = tableOf(scale);
  const factor = scale.high > scale.low ? 254 / (scale.high - scale.low) : 0;
  const shift = scale.high > scale.low ? 0.5 - scale.low * factor : 127.5;
  const { values, count } = grid;
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at += 4) {
      if (row * step * grid.width + column * step >= count) break;
      const value = step === 1 ? values[row * width + column] : meanOf(grid, row * step, column * step, step);
      image.data[at + 3] = 255;
      if (!Number.isFinite(value)) {
        image.data.set(NOT_FINITE, at);
        continue;
      }
      const level = value * factor + shift;
      const place = 3 * (level < 0 ? 0 : level > 254 ? 254 : level | 0);
      image.data[at] = table[place];
      image.data[at + 1] = table[place + 1];
      image.data[at + 2] = table[place + 2];
    }
  }
  putImage(canvas, image);
}

/**
 * The mean of a square of a map, as far as the map reaches.
 * @param {Grid} grid
 * @param {number} top
 * @param {number} left
 * @param {number} size
 */
function meanOf(grid, top, left, size) {
  const [bottom, right] = [Math.min(grid.height, top + size), Math.min(grid.width, left + size)];
  let [sum, count] = [0, 0];
  for (let row = top; row < bottom; row++) {
    const end = Math.min(row * grid.width + right, grid.count);
    for (let at = row * grid.width + left; at < end; at++, count++) sum += grid.values[at];
  }
  return sum / count;
}

/**
 * Draws three maps as red, green and blue.
 * @param {HTMLCanvasElement} canvas
 * @param {Maps} maps
 * @param {Scale} scale
 * @param {number} most
 */
function paintColours(canvas, maps, scale, most) {
  const grids = [0, 1, 2].map((map) => gridOf(maps, map));
  const step = Math.max(1, Math.ceil(Math.max(grids[0].height, grids[0].width) / most));
  const [height, width] = [Math.ceil(grids[0].height / step), Math.ceil(grids[0].width / step)];
  const image = new ImageData(width, height);
  const factor = 255 / (scale.high - scale.low || 1);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at += 4) {
      for (let map = 0; map < 3; map++) {
        image.data[at + map] = (meanOf(grids[map], row * step, column * step, step) - scale.low) * factor;
      }
      image.data[at + 3] = 255;
    }
  }
  putImage(canvas, image);
}

/**
 * Lets a canvas show an image, and be as large as it.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageData} image
 */
function putImage(canvas, image) {
  if (canvas.width !== image.width) canvas.width = image.width;
  if (canvas.height !== image.height) canvas.height = image.height;
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
}
