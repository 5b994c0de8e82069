// How windows lie over maps: sizes, paddings and borders. Everything with two axes has the vertical one first.

/**
 * The samples of padding before and after one axis, of n samples.
 *
 * @param {Pair | string} padding
 * @param {number} n
 * @param {number} window
 * @param {number} stride
 * @param {number} dilation
 * @returns {Pair}
 */
function axisPads(padding, n, window, stride, dilation) {
  if (typeof padding !== "string") return padding;
  const out = Math.ceil(n / stride);
  const total = Math.max(0, (out - 1) * stride + dilation * (window - 1) + 1 - n);
  const small = Math.floor(total / 2);
  return padding === "same" ? [small, total - small] : [total - small, small];
}

/**
 * @typedef {object} Sliding  how a window moves over maps
 * @property {Pair} window
 * @property {Pair} stride
 * @property {Pair} dilation
 * @property {Pads} pads
 * @property {boolean} [ceil]  whether sizes are rounded up
 */

/**
 * How a window moves over maps of a size.
 *
 * @param {Shape} shape
 * @param {Pair} window
 * @param {{stride: Pair, padding: Padding, dilation: Pair, ceil_mode?: boolean}} keys
 * @returns {Sliding}
 */
function slidingOver(shape, window, { stride, padding, dilation, ceil_mode: ceil }) {
  const [vertical, horizontal] = [0, 1].map((axis) =>
    axisPads(
      typeof padding === "string" ? padding : padding[axis], shape[axis], window[axis], stride[axis], dilation[axis],
    ),
  );
  return { window, stride, dilation, pads: [vertical, horizontal], ceil };
}

/**
 * The number of outputs along one axis, or NaN where the window does not fit.
 *
 * @param {number} n
 * @param {number} axis
 * @param {Sliding} sliding
 */
function axisSize(n, axis, { window, stride, dilation, pads, ceil }) {
  const [begin, end] = pads[axis];
  const room = n + begin + end - dilation[axis] * (window[axis] - 1) - 1;
  if (room < (ceil ? 1 - stride[axis] : 0)) return NaN;
  if (!ceil) return Math.floor(room / stride[axis]) + 1;
  const out = Math.ceil(room / stride[axis]) + 1;
  return (out - 1) * stride[axis] >= n + begin ? out - 1 : out;
}

/**
 * The output height and width.
 *
 * @param {Shape} shape
 * @param {Sliding} sliding
 * @returns {Pair}
 */
function outputSizes(shape, sliding) {
  const { window, dilation, pads } = sliding;
  const sizes = [0, 1].map((axis) => axisSize(shape[axis], axis, sliding));
  if (!sizes.some(Number.isNaN)) return [sizes[0], sizes[1]];
  const size = shape.slice(0, 2);
  const padded = size.map((n, axis) => n + pads[axis][0] + pads[axis][1]);
  const span = window.map((taps, axis) => dilation[axis] * (taps - 1) + 1);
  const dilated = showShape(span) === showShape(window) ? "" : ` (spanning ${showShape(span)} when dilated)`;
  const around = showShape(padded) === showShape(size) ? "" : `, padded to ${showShape(padded)}`;
  const isSquare = [size, window, padded, span].every(([height, width]) => height === width);
  throw new Mistake(
    `window ${showShape(window)}${dilated} does not fit in ${showShape(size)}${around}` +
      `${isSquare ? "" : " (height x width)"}; use more padding or a smaller kernel`,
  );
}

/**
 * The size formula with its numbers, a line for each axis or one for both.
 *
 * @param {Shape} shape
 * @param {Sliding} sliding
 */
function sizeArithmetic(shape, sliding) {
  const [height, width] = [0, 1].map((axis) => axisArithmetic(shape[axis], axis, sliding));
  return height === width ? height : `height: ${height}\nwidth: ${width}`;
}

/**
 * The size formula of one axis with its numbers, and the quotient where it is not whole.
 *
 * @param {number} n
 * @param {number} axis
 * @param {Sliding} sliding
 */
function axisArithmetic(n, axis, sliding) {
  const window = sliding.window[axis];
  const stride = sliding.stride[axis];
  const dilation = sliding.dilation[axis];
  const [begin, end] = sliding.pads[axis];
  const out = axisSize(n, axis, sliding);
  const padding = begin === end ? `2*${begin}` : `${begin} + ${end}`;
  const span = dilation === 1 ? `${window}` : `${dilation}*(${window} - 1) - 1`;
  const rounded = sliding.ceil ? "ceil" : "floor";
  const room = n + begin + end - dilation * (window - 1) - 1;
  // PyTorch's rule: what ceil adds may not begin in the padding at the end
  const added = sliding.ceil && Math.ceil(room / stride) + 1 > out ? "1 - 1" : "1";
  const quotient = room % stride ? `${rounded}(${showQuotient(room, stride)}) + ${added} = ` : "";
  return `${rounded}((${n} + ${padding} - ${span})/${stride}) + ${added} = ${quotient}${out}`;
}

/**
 * A quotient that is not whole in at most two decimals, which never round it to a whole number.
 *
 * @param {number} number
 * @param {number} divisor
 */
function showQuotient(number, divisor) {
  const whole = Math.floor(number / divisor);
  const value = Math.min(Math.max(number / divisor, whole + 0.01), whole + 0.99);
  const isTie = Number.isInteger(value * 8) && (value * 100) % 1 === 0.5; // goes to the even digit, as in Python
  return (isTie ? Math.round(value * 50) / 50 : value).toFixed(2).replace(/0$/, "");
}

/**
 * How many numbers are learned: for each of `count` results a weight for each of the inputs, and a bias.
 *
 * @param {number[]} window
 * @param {number} count
 * @param {boolean} biased
 */
function parametersArithmetic(window, count, biased) {
  const inputs = window.join("*");
  return `params: ${biased ? `(${inputs} + 1)` : inputs}*${count} = ${(product(window) + Number(biased)) * count}`;
}

/**
 * The sample of an axis that stands at a place in or outside of it, or -1 where the padding holds a constant.
 *
 * @param {number} place
 * @param {number} n  the samples of the axis
 * @param {string} border
 */
function sampleAt(place, n, border) {
  if (place >= 0 && place < n) return place;
  if (border === "zeros" || border.startsWith("constant")) return -1;
  if (border === "replicate" || n === 1) return place < 0 ? 0 : n - 1;
  const period = border === "circular" ? n : border === "reflect" ? 2 * n - 2 : 2 * n;
  const inside = ((place % period) + period) % period;
  if (inside < n) return inside;
  return border === "reflect" ? period - inside : period - 1 - inside;
}

/**
 * The constant that padding holds where it holds one.
 *
 * @param {string} border
 */
function borderValue(border) {
  return border.startsWith("constant=") ? Number(border.slice("constant=".length)) : 0;
}

/**
 * Where the taps of a window lie along an axis, of the result's sample at `place`: outside of the input in the padding.
 *
 * @param {number} place
 * @param {number} axis
 * @param {Sliding} sliding
 */
function tapsAt(place, axis, { window, stride, dilation, pads }) {
  return range(window[axis]).map((tap) => place * stride[axis] - pads[axis][0] + tap * dilation[axis]);
}

/**
 * What the windows see that slide over maps.
 *
 * @param {Sliding} sliding
 * @returns {[Sight, Sight]}
 */
function slidingSights(sliding) {
  const { window, stride, dilation, pads } = sliding;
  const [vertical, horizontal] = [0, 1].map((axis) => ({
    size: dilation[axis] * (window[axis] - 1) + 1,
    stride: stride[axis],
    start: -pads[axis][0],
    seen: (/** @type {number} */ place) => tapsAt(place, axis, sliding),
  }));
  return [vertical, horizontal];
}

/**
 * What values see that each see the sample so many places further on.
 *
 * @param {number} start
 * @returns {Sight}
 */
function shiftedSight(start) {
  return { size: 1, stride: 1, start, seen: (place) => [place + start] };
}

/**
 * What a window reads of maps, as a `Region`.
 *
 * @param {Sliding} sliding
 * @param {Place} at
 * @param {Pair} maps
 * @param {string} border
 * @returns {Region}
 */
function windowRegion({ window, stride, dilation, pads }, at, maps, border = "zeros") {
  const [rows, columns] = [0, 1].map((axis) => {
    const first = at[axis] * stride[axis] - pads[axis][0];
    return /** @type {Pair} */ ([first, first + dilation[axis] * (window[axis] - 1)]);
  });
  return { rows, columns, maps, step: dilation, border };
}

const MOST_PADDED = 2 ** 26; // values: a quarter of a gigabyte

/**
 * Maps with their padding around them, as it is: those without any are themselves.
 *
 * @param {Maps} maps
 * @param {Pads} pads
 * @param {string} border
 * @param {number} fill  what a constant border holds
 * @param {Pair} more  rows and columns of `fill` beyond the padding, which a window rounded up reaches
 * @returns {Maps}
 */
function padded(maps, pads, border, fill, more = [0, 0]) {
  const [height, width, count] = maps.shape;
  const tall = height + pads[0][0] + pads[0][1] + more[0];
  const wide = width + pads[1][0] + pads[1][1] + more[1];
  if (tall === height && wide === width) return maps;
  if (tall * wide * count > MOST_PADDED) throw new Mistake(`padded to ${tall}x${wide} it is more than a page computes with`);
  const outside = [...range(pads[1][0]), ...range(pads[1][1]).map((x) => pads[1][0] + width + x)];
  const repeated = outside.map((x) => [x, sampleAt(x - pads[1][0], width, border)]).filter(([, sample]) => sample >= 0);
  const values = new Float32Array(count * tall * wide).fill(fill);
  for (let c = 0; c < count; c++) {
    for (let y = 0; y < tall - more[0]; y++) {
      const row = sampleAt(y - pads[0][0], height, border);
      if (row < 0) continue;
      const from = (c * height + row) * width;
      const to = (c * tall + y) * wide;
      values.set(maps.values.subarray(from, from + width), to + pads[1][0]);
      for (const [x, sample] of repeated) values[to + x] = maps.values[from + sample];
    }
  }
  return { shape: [tall, wide, count], values };
}
