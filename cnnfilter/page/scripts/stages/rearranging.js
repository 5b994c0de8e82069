// Stages that make no numbers of their own: flatten, padding, channel shuffle and dropout.

KINDS.flatten = {
  output: (_, [shape]) => [product(shape)],
  figures: (_, [shape]) => ({ ...noFigures(), arithmetic: `${shape.join("*")} = ${product(shape)}` }),
  compute: (_, [{ shape, values }]) => ({ shape: [product(shape)], values }),
  regions: (_, [shape], at) => [regionOf(unflattened(shape, at[0]))],
  explain: (_, [{ shape }], at, value) => ({ kind: "flatten", at, value, follows: unflattened(shape, at[0]) }),
  deltas: (_, [{ shape }], _output, { values }) => [{ shape, values }],
  slopes: (_, [{ shape }], _output, _input, at) =>
    [{ at: at.length === 1 ? at : [(at[2] * shape[0] + at[0]) * shape[1] + at[1]], slope: 1 }],
  ...worded("flatten", []),
};

/**
 * The place of an element of a vector in the maps that it was made of, in C, H, W order.
 *
 * @param {Shape} shape
 * @param {number} index
 * @returns {Place}
 */
function unflattened(shape, index) {
  if (shape.length === 1) return [index];
  const [height, width] = shape;
  return [Math.floor(index / width) % height, index % width, Math.floor(index / (height * width))];
}

/** @type {Key} */
const AMOUNTS = {
  key: "padding",
  read(text) {
    const padding = readPadding(text, -LARGEST);
    if (typeof padding !== "string") return padding;
    throw new Mistake(`padding takes amounts, such as 1, 1x2 or 1+2x0+3; ${padding} is for a window`);
  },
  show: showPadding,
  control: { label: "Padding", type: "padding", least: -LARGEST, most: LARGEST },
};

/** @type {Key} */
const BORDER = {
  key: "border",
  fallback: "zeros",
  read: readBorder,
  show: String,
  control: { label: "Border", type: "choice", choices: BORDERS },
};

/**
 * The size of one axis with what is put around it, or taken away.
 *
 * @param {number} n
 * @param {Pair} pads
 */
function amountsArithmetic(n, pads) {
  const terms = pads.map((each) => (each < 0 ? ` - ${-each}` : ` + ${each}`)).join("");
  return `${n}${terms} = ${n + pads[0] + pads[1]}`;
}

/**
 * The place of the input that becomes a place of padded maps; -1 along an axis where it is the constant.
 *
 * @param {Stage} stage
 * @param {Shape} shape  of the input
 * @param {Place} at
 */
function beforePadding({ keys: { padding, border } }, shape, at) {
  return [sampleAt(at[0] - padding[0][0], shape[0], border), sampleAt(at[1] - padding[1][0], shape[1], border), at[2]];
}

/**
 * @param {Stage} stage
 * @returns {[Sight, Sight]}
 */
function paddingSights({ keys: { padding } }) {
  return [shiftedSight(-padding[0][0]), shiftedSight(-padding[1][0])];
}

KINDS.pad = {
  output(stage, [shape]) {
    const { padding, border } = stage.keys;
    const [height, width, channels] = takesMaps(shape, stage);
    if (Math.min(...padding.flat()) < 0 && border !== "zeros" && !border.startsWith("constant")) {
      throw new Mistake(`padding below 0, which crops, goes with border=zeros or constant=V, not with ${border}`);
    }
    const sizes = [0, 1].map((axis) => shape[axis] + padding[axis][0] + padding[axis][1]);
    // not only the sum: the rows of a map that is cropped away cannot be padded again
    const left = [0, 1].map((axis) => shape[axis] + Math.min(...padding[axis]));
    if (Math.min(...sizes, ...left) < 1) {
      throw new Mistake(`padding of ${showPadding(padding)} crops all of ${showShape([height, width])}`);
    }
    return [...sizes, channels];
  },
  figures({ keys: { padding } }, [shape]) {
    const [height, width] = [0, 1].map((axis) => amountsArithmetic(shape[axis], padding[axis]));
    return { ...noFigures(), arithmetic: height === width ? height : `height: ${height}\nwidth: ${width}` };
  },
  compute(stage, [{ shape, values }]) {
    const result = emptyMaps(KINDS.pad.output(stage, [shape]));
    const [tall, wide, count] = result.shape;
    const constant = borderValue(stage.keys.border);
    const rows = range(tall).map((row) => beforePadding(stage, shape, [row, 0, 0])[0]);
    const columns = range(wide).map((column) => beforePadding(stage, shape, [0, column, 0])[1]);
    for (let map = 0, index = 0; map < count; map++) {
      for (const row of rows) {
        const first = (map * shape[0] + row) * shape[1];
        for (const column of columns) {
          result.values[index++] = row < 0 || column < 0 ? constant : values[first + column];
        }
      }
    }
    return result;
  },
  regions: ({ keys: { padding, border } }, _inputs, [row, column, map]) =>
    [{ ...regionOf([row - padding[0][0], column - padding[1][0], map]), border }],
  sights: paddingSights,
  explain(stage, [{ shape }], at, value) {
    const follows = beforePadding(stage, shape, at);
    return copied(at, value, follows.includes(-1) ? null : follows);
  },
  deltas: ({ keys: { padding, border } }, [{ shape }], _output, delta) =>
    [unpadded(delta, shape, [padding[0][0], padding[1][0]], border)],
  slopes: (stage, [{ shape }], output, _input, at) =>
    seers(paddingSights(stage), shape, output.shape, stage.keys.border, at).map((seer) => ({ at: seer.at, slope: 1 })),
  ...worded("pad", [AMOUNTS, BORDER], "padding", true),
};

KINDS.shuffle = {
  ...sameSize,
  output(stage, [shape]) {
    const { groups } = stage.keys;
    const channels = takesMaps(shape, stage)[2];
    if (channels % groups) throw new Mistake(`groups=${groups} does not divide ${channels} channels`);
    return shape;
  },
  figures: ({ keys: { groups } }, [[, , channels]]) =>
    ({ ...noFigures(), arithmetic: `${channels} maps / ${groups} = ${channels / groups}` }),
  compute(stage, [maps]) {
    const result = emptyMaps(maps.shape);
    const size = planeSize(maps.shape);
    for (const map of range(maps.shape[2])) {
      result.values.set(planeOf(maps, unshuffled(stage, map, maps.shape[2])), map * size);
    }
    return result;
  },
  regions: (stage, [shape], [row, column, map]) => [regionOf([row, column, unshuffled(stage, map, shape[2])])],
  explain: (stage, [{ shape }], at, value) =>
    copied(at, value, [at[0], at[1], unshuffled(stage, at[2], shape[2])]),
  deltas(stage, [{ shape }], _output, delta) {
    const result = emptyMaps(shape);
    for (const map of range(shape[2])) {
      result.values.set(planeOf(delta, map), unshuffled(stage, map, shape[2]) * planeSize(shape));
    }
    return [result];
  },
  slopes: (stage, [{ shape }], _output, _input, at) =>
    [{ at: inMap(at, range(shape[2]).findIndex((map) => unshuffled(stage, map, shape[2]) === at[2])), slope: 1 }],
  ...worded("shuffle", [wholeKey("groups", "Groups")], "groups"),
};

/**
 * Which map of the input becomes a map of a channel shuffle.
 *
 * @param {Stage} stage
 * @param {number} map
 * @param {number} channels
 */
function unshuffled({ keys: { groups } }, map, channels) {
  return (map % groups) * (channels / groups) + Math.floor(map / groups);
}

KINDS.dropout = {
  ...sameSize,
  compute: (_, [maps]) => maps,
  explain: (_, _inputs, at, value) => copied(at, value, at),
  deltas: (_, _inputs, _output, delta) => [delta],
  slopes: (_, _inputs, _output, _input, at) => [{ at, slope: 1 }],
  ...worded("dropout", [{ ...numberKey("rate", "Rate", 0.5, { least: 0, most: 1 }), always: true }], "rate", true),
};
