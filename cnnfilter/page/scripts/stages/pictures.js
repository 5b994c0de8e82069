// What is done to a picture before a network sees it: another size, and a part of it. How samples are weighed to
// resize one Python works out, for the one size that arrives.

/**
 * Half of a difference, a half rounded to the even number.
 *
 * @param {number} difference
 */
function halved(difference) {
  const half = Math.floor(difference / 2);
  return difference % 2 === 1 && half % 2 === 1 ? half + 1 : half;
}

/**
 * The row and the column of maps where their middle begins.
 *
 * @param {Stage} stage
 * @param {Shape} shape
 * @returns {Pair}
 */
function cornerOf({ keys: { size } }, shape) {
  return [halved(shape[0] - size[0]), halved(shape[1] - size[1])];
}

/**
 * @param {Stage} stage
 * @param {Shape} shape
 * @returns {[Sight, Sight]}
 */
function croppingSights(stage, shape) {
  const [top, left] = cornerOf(stage, shape);
  return [shiftedSight(top), shiftedSight(left)];
}

KINDS.crop = {
  output(stage, [shape]) {
    const [height, width, channels] = takesMaps(shape, stage);
    const { size } = stage.keys;
    if (size[0] > height || size[1] > width) {
      throw new Mistake(`${showShape(size)} is more than ${showShape([height, width])} (height x width), and nothing is ` +
        `padded; put resize:${Math.max(...size)} before it`);
    }
    return [...size, channels];
  },
  figures(stage, [shape]) {
    const corner = cornerOf(stage, shape);
    const [top, left] = [0, 1].map((axis) => `round((${shape[axis]} - ${stage.keys.size[axis]})/2) = ${corner[axis]}`);
    return { ...noFigures(), arithmetic: top === left ? `top, left: ${top}` : `top: ${top}\nleft: ${left}` };
  },
  compute(stage, [{ shape, values }]) {
    const result = emptyMaps(this.output(stage, [shape]));
    const [top, left] = cornerOf(stage, shape);
    const [height, width, count] = result.shape;
    for (let map = 0, index = 0; map < count; map++) {
      for (let row = 0; row < height; row++, index += width) {
        const first = (map * shape[0] + top + row) * shape[1] + left;
        result.values.set(values.subarray(first, first + width), index);
      }
    }
    return result;
  },
  regions(stage, [shape], [row, column, map]) {
    const [top, left] = cornerOf(stage, shape);
    return [regionOf([row + top, column + left, map])];
  },
  sights: croppingSights,
  explain(stage, [{ shape }], at, value) {
    const [top, left] = cornerOf(stage, shape);
    return copied(at, value, [at[0] + top, at[1] + left, at[2]]);
  },
  deltas(stage, [{ shape }], _output, delta) {
    const [top, left] = cornerOf(stage, shape);
    return [unpadded(delta, shape, [-top, -left], "zeros")];
  },
  slopes: (stage, [{ shape }], output, _input, at) =>
    seers(croppingSights(stage, shape), shape, output.shape, "zeros", at).map((seer) => ({ at: seer.at, slope: 1 })),
  ...worded("crop", [pairKey("size", "Size")], "size", true),
};

/**
 * The samples along an axis that a value of a resized picture is made of, ascending, with the weight of each.
 *
 * @param {Stage} stage
 * @param {number} axis
 * @param {number} place
 * @returns {Taps}
 */
function resizingTaps({ learned }, axis, place) {
  const { shape: [, width], values } = axis ? learned.columns : learned.rows;
  const [first, ...weights] = values.subarray(place * width, (place + 1) * width);
  return weights.map((weight, index) => /** @type {Pair} */ ([first + index, weight])).filter(([, weight]) => weight);
}

/**
 * The first sample of an axis and the last that a value of a resized picture is made of; of a value beyond it, which a
 * later stage's padding has, those that it would be.
 *
 * @param {Stage} stage
 * @param {number} axis
 * @param {number} place
 * @returns {Pair}
 */
function resizingExtent(stage, axis, place) {
  if (place >= 0 && place < stage.keys.size[axis]) {
    const taps = resizingTaps(stage, axis, place);
    return [taps[0][0], taps[taps.length - 1][0]];
  }
  const [size, stride, start] = stage.keys.spacing[axis];
  const first = Math.floor(start + place * stride);
  return [first, first + Math.ceil(size) - 1];
}

KINDS.resize = {
  output(stage, [shape]) {
    const [height, width, channels] = takesMaps(shape, stage);
    const { from, size } = stage.keys;
    if (from[0] !== height || from[1] !== width) {
      throw new Mistake(`what it makes is known of ${showShape(from)}, not of ${showShape([height, width])}; make a page of ` +
        "such a picture");
    }
    return [...size, channels];
  },
  figures: (stage) => ({ ...noFigures(), arithmetic: stage.keys.arithmetic }),
  compute: (stage, [maps]) => resampled(maps, ...tapsOf(stage.keys.size, (axis, place) => resizingTaps(stage, axis, place))),
  regions(stage, _inputs, at) {
    const [rows, columns] = [0, 1].map((axis) => resizingExtent(stage, axis, at[axis]));
    return [{ rows, columns, maps: [at[2], at[2]] }];
  },
  sights(stage) {
    const [height, width] = [0, 1].map((axis) => {
      const [size, stride, start] = stage.keys.spacing[axis];
      const seen = (/** @type {number} */ place) => between(resizingExtent(stage, axis, place), 1);
      return { size, stride, start, seen };
    });
    return [height, width];
  },
  explain: (stage, [maps], at, value) =>
    explainedResampling(maps, resizingTaps(stage, 0, at[0]), resizingTaps(stage, 1, at[1]), at, value),
  deltas: (stage, [{ shape }], _output, delta) =>
    [resampledDeltas(delta, shape, ...tapsOf(stage.keys.size, (axis, place) => resizingTaps(stage, axis, place)))],
  slopes: (stage, _inputs, _output, _input, at) =>
    resampledSlopes(...tapsOf(stage.keys.size, (axis, place) => resizingTaps(stage, axis, place)), at),
  text: (stage) => ["resize", ...stage.keys.arguments].join(":"),
  parse() {
    throw new Mistake("a page resizes nothing that is put into it; make one of cnnfilter page resize:SIZE,... PICTURE");
  },
  controls: [],
};
