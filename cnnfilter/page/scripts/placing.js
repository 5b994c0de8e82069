// Where the kernels of a transposed convolution come to lie in its result, and which samples meet at a place.

/**
 * @typedef {object} Placing  how a kernel is placed over a result, whose padding is cut off
 * @property {Pair} window
 * @property {Pair} stride
 * @property {Pair} dilation
 * @property {Pads} pads
 * @property {Pair} extra  places that are added at the end
 */

/**
 * How a stage places its kernel.
 *
 * @param {Stage} stage
 * @returns {Placing}
 */
function placingOf(stage) {
  const { stride, dilation, padding, output_padding: extra } = stage.keys;
  const window = convolutionWindow(stage);
  if (typeof padding !== "string") return { window, stride, dilation, pads: padding, extra };
  const totals = window.map((taps, axis) => dilation[axis] * (taps - 1) + 1 - stride[axis]);
  const [above, beside] = totals.map((total) => {
    const small = Math.floor(Math.max(total, 0) / 2);
    const sides = [small, Math.max(total, 0) - small];
    return /** @type {Pair} */ (padding === "same" ? sides : sides.reverse());
  });
  return { window, stride, dilation, pads: [above, beside], extra: [Math.max(-totals[0], 0), Math.max(-totals[1], 0)] };
}

/**
 * The size of one axis of the result before the padding is cut off it.
 *
 * @param {number} n
 * @param {number} axis
 * @param {Placing} placing
 */
function placedSize(n, axis, { window, stride, dilation, extra }) {
  return (n - 1) * stride[axis] + dilation[axis] * (window[axis] - 1) + extra[axis] + 1;
}

/**
 * The size formula of one axis with its numbers.
 *
 * @param {number} n
 * @param {number} out
 * @param {number} axis
 * @param {Placing} placing
 */
function transposedArithmetic(n, out, axis, { window, stride, dilation, pads, extra }) {
  const [begin, end] = pads[axis];
  return `(${n} - 1)*${stride[axis]} - ${begin} - ${end} + ${dilation[axis]}*(${window[axis]} - 1) + ${extra[axis]} + 1` +
    ` = ${out}`;
}

/**
 * The samples along an axis that reach a place of the result, ascending, and the tap of the kernel that each brings
 * there; also those that would lie before or after the input.
 *
 * @param {Placing} placing
 * @param {number} axis
 * @param {number} place
 */
function meeting({ window, stride, dilation, pads }, axis, place) {
  const reached = range(window[axis]).reverse().map((tap) => ({ tap, away: place + pads[axis][0] - tap * dilation[axis] }));
  return reached.filter(({ away }) => away % stride[axis] === 0).map(({ tap, away }) => ({ tap, sample: away / stride[axis] }));
}
