// Maps made larger, or smaller, by the nearest sample or by two neighbours along each axis.

const COORDINATES = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"];
const ROUNDINGS = ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"];

/**
 * The fraction nearest to a positive number whose denominator is at most `LARGEST`, as Python's `limit_denominator`
 * finds it, exactly: a third in float32 is meant as a third.
 *
 * @param {number} value
 * @returns {Pair}  numerator and denominator
 */
function fractionOf(value) {
  let below = 1n;
  while (!Number.isInteger(value)) [value, below] = [value * 2, below * 2n];
  const whole = [BigInt(value), below];
  const most = BigInt(LARGEST);
  let [over, under] = whole;
  let [p0, q0, p1, q1] = [0n, 1n, 1n, 0n];
  while (under) {
    const times = over / under;
    if (q0 + times * q1 > most) break;
    [p0, q0, p1, q1] = [p1, q1, p0 + times * p1, q0 + times * q1];
    [over, under] = [under, over - times * under];
  }
  if (!under) return [Number(p1), Number(q1)];
  const times = (most - q0) / q1;
  const [p, q] = [p0 + times * p1, q0 + times * q1];
  // which of the two bounds is nearer; of equals the one with the smaller denominator
  const away = (/** @type {bigint} */ a, /** @type {bigint} */ b) => {
    const size = a * whole[1] - whole[0] * b;
    return size < 0n ? -size : size;
  };
  return away(p1, q1) * q <= away(p, q) * q1 ? [Number(p1), Number(q1)] : [Number(p), Number(q)];
}

/**
 * Height and width of the result.
 *
 * @param {Stage} stage
 * @param {Shape} shape
 * @returns {Pair}
 */
function upsampledSizes({ keys: { scale, size } }, [height, width]) {
  if (!scale) return size;
  /** @type {Pair} */
  const sizes = [Math.floor(height * scale[0]), Math.floor(width * scale[1])];
  if (Math.min(...sizes) < 1) {
    throw new Mistake(`${showShape([height, width])} times ${showScale(scale)} leaves nothing; use a larger scale`);
  }
  return sizes;
}

/**
 * A scale as the text has it.
 *
 * @param {Pair} scale
 */
function showScale(scale) {
  const [height, width] = scale.map(showNumber);
  return height === width ? height : `${height}x${width}`;
}

/**
 * @typedef {object} Axis  how the values along one axis lie among the samples: the value of place p at
 *  (p*times + plus) / under
 * @property {number} count  how many samples there are
 * @property {number} out  how many values
 * @property {number} times
 * @property {number} plus
 * @property {number} under
 */

/**
 * How the values along an axis lie among the samples of an input.
 *
 * @param {Stage} stage
 * @param {Shape} shape
 * @param {number} axis
 * @returns {Axis}
 */
function axisOf(stage, shape, axis) {
  const { scale, coordinates } = stage.keys;
  const [count, out] = [shape[axis], upsampledSizes(stage, shape)[axis]];
  if (coordinates === "align_corners" && out > 1) return { count, out, times: count - 1, plus: 0, under: out - 1 };
  if (out === 1 && ["align_corners", "pytorch_half_pixel"].includes(coordinates)) {
    return { count, out, times: 0, plus: 0, under: 1 };
  }
  const [up, down] = scale ? fractionOf(scale[axis]) : lowest(out, count);
  if (coordinates === "asymmetric") return { count, out, times: down, plus: 0, under: up };
  return { count, out, times: 2 * down, plus: down - up, under: 2 * up };
}

/**
 * A fraction of whole numbers in its lowest terms.
 *
 * @param {number} over
 * @param {number} under
 * @returns {Pair}
 */
function lowest(over, under) {
  let [a, b] = [over, under];
  while (b) [a, b] = [b, a % b];
  return [over / a, under / a];
}

/**
 * A quotient as a stage rounds it to a sample.
 *
 * @param {number} over
 * @param {number} under
 * @param {string} rounding
 */
function roundedQuotient(over, under, rounding) {
  if (rounding === "floor") return Math.floor(over / under);
  if (rounding === "ceil") return Math.ceil(over / under);
  return rounding === "round_prefer_floor"
    ? Math.ceil((2 * over - under) / (2 * under))
    : Math.floor((2 * over + under) / (2 * under));
}

/**
 * The samples of an axis that a value is made of, ascending, with the weight of each; beyond the ends, the sample at
 * the end.
 *
 * @param {Stage} stage
 * @param {Axis} axis
 * @param {number} place
 * @returns {Taps}
 */
function upsamplingTaps({ keys: { mode, rounding } }, { count, times, plus, under }, place) {
  const over = place * times + plus;
  const inside = (/** @type {number} */ sample) => Math.min(Math.max(sample, 0), count - 1);
  if (mode === "nearest") return [[inside(roundedQuotient(over, under, rounding)), 1]];
  const before = Math.floor(over / under);
  const rest = over - before * under;
  if (rest === 0 || before < 0 || before >= count - 1) return [[inside(before), 1]];
  return [[before, 1 - rest / under], [before + 1, rest / under]];
}

/**
 * The taps of all values, along rows and along columns.
 *
 * @param {Stage} stage
 * @param {Shape} shape  of the input
 */
function allUpsamplingTaps(stage, shape) {
  const axes = [0, 1].map((axis) => axisOf(stage, shape, axis));
  return tapsOf(upsampledSizes(stage, shape), (axis, place) => upsamplingTaps(stage, axes[axis], place));
}

/**
 * How far before the nearest sample a value may lie; it does not where two neighbours count.
 *
 * @param {Stage} stage
 */
function aheadOf({ keys: { mode, rounding } }) {
  if (mode !== "nearest" || rounding === "floor") return 0;
  return rounding === "ceil" ? 1 : 1 / 2;
}

/**
 * The first sample of an axis and the last that a value is made of; of a value beyond the result, which a later stage's
 * padding has, those that it would be, did the samples go on.
 *
 * @param {Stage} stage
 * @param {Axis} axis
 * @param {number} place
 * @returns {Pair}
 */
function upsamplingExtent(stage, axis, place) {
  if (place >= 0 && place < axis.out) {
    const taps = upsamplingTaps(stage, axis, place);
    return [taps[0][0], taps[taps.length - 1][0]];
  }
  const { count, times, plus, under } = axis;
  const first = Math.floor((2 * (place * times + plus) + 2 * aheadOf(stage) * under) / (2 * under));
  return [first, stage.keys.mode === "bilinear" && count > 1 && times ? first + 1 : first];
}

KINDS.upsample = {
  output(stage, [shape]) {
    const channels = takesMaps(shape, stage)[2];
    checkUpsample(stage.keys);
    return [...upsampledSizes(stage, shape), channels];
  },
  figures(stage, [shape]) {
    const { scale } = stage.keys;
    if (!scale) return noFigures();
    const sizes = upsampledSizes(stage, shape);
    const [height, width] = [0, 1].map((axis) => `floor(${shape[axis]}*${showNumber(scale[axis])}) = ${sizes[axis]}`);
    return { ...noFigures(), arithmetic: height === width ? height : `height: ${height}\nwidth: ${width}` };
  },
  compute: (stage, [maps]) => resampled(maps, ...allUpsamplingTaps(stage, maps.shape)),
  regions(stage, [shape], at) {
    const [rows, columns] = [0, 1].map((axis) => upsamplingExtent(stage, axisOf(stage, shape, axis), at[axis]));
    return [{ rows, columns, maps: [at[2], at[2]] }];
  },
  sights(stage, shape) {
    const { mode } = stage.keys;
    const [height, width] = [0, 1].map((number) => {
      const axis = axisOf(stage, shape, number);
      const { count, times, plus, under } = axis;
      const size = mode === "bilinear" && count > 1 && times ? 2 : 1;
      const seen = (/** @type {number} */ place) => between(upsamplingExtent(stage, axis, place), 1);
      return { size, stride: times / under, start: plus / under + aheadOf(stage), seen };
    });
    return [height, width];
  },
  explain(stage, [maps], at, value) {
    const [down, along] = [0, 1].map((axis) => upsamplingTaps(stage, axisOf(stage, maps.shape, axis), at[axis]));
    return explainedResampling(maps, down, along, at, value);
  },
  deltas: (stage, [{ shape }], _output, delta) => [resampledDeltas(delta, shape, ...allUpsamplingTaps(stage, shape))],
  slopes: (stage, [{ shape }], _output, _input, at) => resampledSlopes(...allUpsamplingTaps(stage, shape), at),
  ...wordedUpsample(),
};

/**
 * Throw a mistake if the keys of a stage do not go together.
 *
 * @param {Record<string, any>} keys
 */
function checkUpsample({ scale, size }) {
  if (!scale === !size) {
    throw new Mistake("takes a scale, such as upsample:2, or the size of the result, such as upsample:size=56x56");
  }
  for (const each of scale ?? []) {
    if (!(each >= 1 / LARGEST && each <= LARGEST)) {
      throw new Mistake(`scale must be from 1e-06 to ${LARGEST}, not ${showNumber(each)}`);
    }
  }
}

/**
 * A stage that rounds as all do that take no nearest sample, whatever it did when it took one.
 *
 * @param {Stage} stage
 * @returns {Stage}
 */
function unrounded(stage) {
  return { ...stage, keys: { ...stage.keys, rounding: "floor" } };
}

/**
 * What follows from the keys of the stage: see `worded`. The usual coordinates depend on the mode.
 *
 * @returns {Pick<Kind, "text" | "parse" | "controls">}
 */
function wordedUpsample() {
  /** @type {Key} */
  const scale = {
    key: "scale",
    fallback: null,
    read(text) {
      const parts = text.toLowerCase().split("x").map(readNumber);
      if (parts.length > 2) throw new Mistake(`scale takes one number or two (HEIGHTxWIDTH), not ${quoted(text)}`);
      return [parts[0], parts[parts.length - 1]];
    },
    show: (value) => (value === null ? "" : showScale(value)),
    control: { label: "Scale", type: "numbers", when: (stage) => stage.keys.scale !== null },
  };
  const size = pairKey("size", "Size", null);
  const rounding = choiceKey("rounding", "Rounding", ROUNDINGS, "floor");
  const keys = (/** @type {string} */ usual) => [
    scale,
    { ...size, control: { ...size.control, when: (/** @type {Stage} */ stage) => stage.keys.size !== null } },
    choiceKey("mode", "Mode", ["nearest", "bilinear"], "nearest"),
    choiceKey("coordinates", "Coordinates", COORDINATES, usual),
    { ...rounding, control: { ...rounding.control, when: (/** @type {Stage} */ stage) => stage.keys.mode === "nearest" } },
  ];
  const nearest = worded("upsample", keys("asymmetric"), "scale", true);
  const bilinear = worded("upsample", keys("half_pixel"), "scale", true);
  return {
    text: (stage) => (stage.keys.mode === "nearest" ? nearest.text(stage) : bilinear.text(unrounded(stage))),
    parse(text) {
      const { mode } = nearest.parse(text).keys;
      const parsed = (mode === "nearest" ? nearest : bilinear).parse(text);
      if (mode !== "nearest" && parsed.keys.rounding !== "floor") throw new Mistake("rounding is for mode=nearest");
      checkUpsample(parsed.keys);
      return parsed;
    },
    controls: nearest.controls,
  };
}
