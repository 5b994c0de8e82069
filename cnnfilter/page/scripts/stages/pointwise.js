// Stages that look at one place at a time: colours, the absolute value, magnitudes, normalisation, softmax.

const LUMA = [0.299, 0.587, 0.114]; // what red, green and blue count (ITU-R BT.601)

KINDS.gray = {
  output(stage, [shape]) {
    const [height, width, channels] = takesMaps(shape, stage);
    if (channels !== 1 && channels !== 3) {
      throw new Mistake(`takes 3 channels (or 1, which stays as it is), not ${channels}; put gray before conv`);
    }
    return [height, width, 1];
  },
  figures: noFigures,
  compute(_, [{ shape, values }]) {
    if (shape[2] === 1) return { shape, values };
    const result = emptyMaps([shape[0], shape[1], 1]);
    const size = planeSize(shape);
    for (let index = 0; index < size; index++) {
      const [red, green, blue] = [values[index], values[size + index], values[2 * size + index]];
      result.values[index] = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue;
    }
    return result;
  },
  regions: (_, [shape], at) => [regionAcross(at, 0, shape[2] - 1)],
  explain(_, [maps], at, value) {
    const colours = channelsAt(maps, at, 0, maps.shape[2]);
    if (colours.length === 1) return functionOf(at, value, at, colours, show(value));
    const parts = colours.map((colour, index) => LUMA[index] * colour);
    const formula = colours.map((colour, index) => `${show(LUMA[index])}*${showFactor(colour)}`).join(" + ");
    return functionOf(at, value, [at[0], at[1], mostOf(parts)], colours, formula);
  },
  deltas(_, [{ shape }], _output, delta) {
    if (shape[2] === 1) return [delta];
    const result = emptyMaps(shape);
    LUMA.forEach((share, map) => result.values.set(delta.values.map((each) => share * each), map * planeSize(shape)));
    return [result];
  },
  slopes: (_, [{ shape }], _output, _input, at) => [{ at: inMap(at, 0), slope: shape[2] === 1 ? 1 : LUMA[at[2]] }],
  ...worded("gray", []),
};

KINDS.rgb = {
  output(stage, [shape]) {
    const [height, width, channels] = takesMaps(shape, stage);
    if (channels !== 1 && channels !== 3) {
      throw new Mistake(`takes 1 channel (or 3, which stay as they are), not ${channels}; put rgb before conv`);
    }
    return [height, width, 3];
  },
  figures: noFigures,
  compute(_, [{ shape, values }]) {
    if (shape[2] === 3) return { shape, values };
    const result = emptyMaps([shape[0], shape[1], 3]);
    for (const map of range(3)) result.values.set(values, map * values.length);
    return result;
  },
  regions: (_, [shape], at) => [regionOf([at[0], at[1], Math.min(at[2], shape[2] - 1)])],
  explain: (_, [{ shape }], at, value) => copied(at, value, [at[0], at[1], Math.min(at[2], shape[2] - 1)]),
  deltas(_, [{ shape }], _output, delta) {
    if (shape[2] === 3) return [delta];
    const [red, green, blue] = range(3).map((map) => planeOf(delta, map));
    return [{ shape, values: red.map((each, index) => each + green[index] + blue[index]) }];
  },
  slopes: (_, [{ shape }], _output, _input, at) =>
    (shape[2] === 3 ? [at[2]] : range(3)).map((map) => ({ at: inMap(at, map), slope: 1 })),
  ...worded("rgb", []),
};

KINDS.abs = {
  ...valueByValue(() => Math.abs, (_, x) => `|${show(x)}|`, () => Math.sign),
  ...worded("abs", []),
};

/**
 * One number, or one for each channel joined by `+`.
 *
 * @param {string} key
 * @param {string} label
 * @param {number[]} fallback
 * @returns {Key}
 */
function numbersKey(key, label, fallback) {
  return {
    key,
    fallback,
    read: (text) => text.split(/[+,x]/).map((part) => divisorOf(key, readNumber(part))),
    show: (value) => value.map(showNumber).join("+"),
    control: { label, type: "numbers" },
  };
}

/**
 * A number, unless it must divide and is 0.
 *
 * @param {string} key
 * @param {number} value
 */
function divisorOf(key, value) {
  if (value === 0 && key !== "mean") throw new Mistake(`${key} must not be 0`);
  return value;
}

/**
 * The number of a normalisation for a map.
 *
 * @param {number[]} numbers
 * @param {number} map
 */
function numberFor(numbers, map) {
  return numbers.length === 1 ? numbers[0] : numbers[map];
}

const DIVIDE = numberKey("divide", "Divide by", null);

const NORMALIZE = worded("normalize", [
  { ...DIVIDE, read: (text) => divisorOf("divide", DIVIDE.read(text)) },
  numbersKey("mean", "Mean", [0]),
  numbersKey("std", "Deviation", [1]),
], "divide");

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** @param {Stage} stage */
function isImagenet({ keys: { divide, mean, std } }) {
  return divide === null && mean.join() === IMAGENET.mean.join() && std.join() === IMAGENET.std.join();
}

KINDS.normalize = {
  ...valueByValue((stage, map) => {
    const { divide, mean, std } = stage.keys;
    const [middle, deviation] = [numberFor(mean, map), numberFor(std, map)];
    return (x) => (x / (divide ?? PICTURE.scale) - middle) / deviation;
  }, (stage, x, map) => {
    const { divide, mean, std } = stage.keys;
    return `(${show(x)}/${show(divide ?? PICTURE.scale)} - ${showFactor(numberFor(mean, map))}) / ${showFactor(numberFor(std, map))}`;
  }, ({ keys: { divide, std } }, map) => () => 1 / ((divide ?? PICTURE.scale) * numberFor(std, map))),
  output(stage, [shape]) {
    for (const key of ["mean", "std"]) {
      const count = stage.keys[key].length;
      if (count > 1 && (shape.length !== 3 || count !== shape[2])) {
        const advice = count === 3 && shape[2] === 1 ? "put rgb before it, or " : "";
        throw new Mistake(`${key} holds ${count} numbers, one for each channel, which does not fit ` +
          `${showShape(shape)}; ${advice}give one number, or one for each`);
      }
    }
    return shape;
  },
  ...NORMALIZE,
  text: (stage) => (isImagenet(stage) ? "normalize:imagenet" : NORMALIZE.text(stage)),
  told: (stage) => NORMALIZE.text({ ...stage, keys: { ...stage.keys, divide: stage.keys.divide ?? PICTURE.scale } }),
  parse: (text) => (text.trim().toLowerCase() === "imagenet"
    ? { keys: { divide: null, mean: [...IMAGENET.mean], std: [...IMAGENET.std] } }
    : NORMALIZE.parse(text)),
};

KINDS.magnitude = {
  output(stage, [shape]) {
    const [height, width, channels] = takesMaps(shape, stage);
    const { count } = stage.keys;
    if (channels % count) {
      throw new Mistake(
        `combines ${count} maps at a time, which does not divide the ${channels} of ${showShape(shape)}`);
    }
    return [height, width, channels / count];
  },
  figures: (stage, [shape]) =>
    ({ ...noFigures(), arithmetic: `${shape[2]} maps / ${stage.keys.count} = ${shape[2] / stage.keys.count}` }),
  compute(stage, [{ shape, values }]) {
    const { count } = stage.keys;
    const result = emptyMaps([shape[0], shape[1], shape[2] / count]);
    const size = planeSize(shape);
    for (let map = 0, index = 0; map < result.shape[2]; map++) {
      for (let place = 0; place < size; place++, index++) {
        let sum = 0;
        for (let member = 0; member < count; member++) sum += values[(map * count + member) * size + place] ** 2;
        result.values[index] = Math.sqrt(sum);
      }
    }
    return result;
  },
  regions: (stage, _inputs, at) => {
    const { count } = stage.keys;
    return [regionAcross(at, at[2] * count, (at[2] + 1) * count - 1)];
  },
  explain(stage, [maps], at, value) {
    const first = at[2] * stage.keys.count;
    const members = channelsAt(maps, at, first, stage.keys.count);
    const formula = `sqrt(${members.map((each) => `${showFactor(each)}^2`).join(" + ")})`;
    return functionOf(at, value, [at[0], at[1], first + mostOf(members)], members, formula);
  },
  deltas({ keys: { count } }, [{ shape, values }], output, delta) {
    const result = emptyMaps(shape);
    const size = planeSize(shape);
    for (let map = 0, index = 0; map < shape[2]; map++) {
      const first = Math.floor(map / count) * size;
      for (let place = first; place < first + size; place++, index++) {
        const root = output.values[place];
        result.values[index] = root === 0 ? 0 : (delta.values[place] * values[index]) / root;
      }
    }
    return [result];
  },
  slopes(stage, [maps], output, _input, at) {
    const there = inMap(at, Math.floor(at[2] / stage.keys.count));
    const root = valueAt(output, there);
    return [{ at: there, slope: root === 0 ? 0 : valueAt(maps, at) / root }];
  },
  amid(stage, before) {
    const conv = before.find(({ kind }) => !KEEPING_MAPS.includes(kind) && !Object.hasOwn(ACTIVATIONS, kind));
    if (conv?.kind !== "conv" && conv?.kind !== "depthwise") {
      throw new Mistake(
        "needs a conv before it, whose maps of each channel it combines: conv:sobel-x+sobel-y,magnitude");
    }
    const count = mapsPerGroup(conv);
    return count === stage.keys.count ? stage : { ...stage, keys: { count } };
  },
  ...worded("magnitude", []),
};

/** What may stand between a convolution and the magnitude of its maps, beside activations: all are still there after it. */
const KEEPING_MAPS = ["abs", "avgpool", "batchnorm", "crop", "dropout", "globalavgpool", "globalmaxpool", "lrn", "maxpool",
  "normalize", "pad", "prelu", "resize", "softmax", "sumpool", "upsample"];

/**
 * How many neighbouring maps of a convolution come from the same channels.
 *
 * @param {Stage} conv
 * @returns {number}
 */
function mapsPerGroup({ kind, keys, learned }) {
  if (keys.kernels.length) return keys.kernels.reduce((/** @type {number} */ all, /** @type {Kernel} */ each) => all + mapsOf(each), 0);
  if (keys.sizes) return keys.sizes.count / keys.groups;
  if (kind === "depthwise") {
    throw new Mistake(`cannot tell how many filters of ${keys.bank} see one channel; give magnitude a conv`);
  }
  return learned.weight.shape[0] / keys.groups;
}

KINDS.softmax = {
  ...sameSize,
  compute(_, [{ shape, values }]) {
    const result = emptyMaps(shape);
    const [size, count] = [planeSize(shape), countOf(shape)];
    for (let place = 0; place < size; place++) {
      let largest = -Infinity;
      for (let map = 0; map < count; map++) largest = Math.max(largest, values[map * size + place]);
      let sum = 0;
      for (let map = 0; map < count; map++) sum += Math.exp(values[map * size + place] - largest);
      for (let map = 0; map < count; map++) {
        result.values[map * size + place] = Math.exp(values[map * size + place] - largest) / sum;
      }
    }
    return result;
  },
  seesAll: (_, shape) => shape.length === 1,
  regions: (_, [shape], at) => [regionAcross(at, 0, countOf(shape) - 1)],
  explain(_, [maps], at, value) {
    const inputs = channelsAt(maps, at, 0, countOf(maps.shape));
    const largest = inputs.reduce((most, each) => Math.max(most, each), -Infinity);
    const powers = inputs.map((each) => Math.exp(each - largest));
    const sum = powers.reduce((all, each) => all + each, 0);
    return { kind: "softmax", at, value, follows: at, inputs, largest, powers, sum };
  },
  deltas(_, [{ shape }], output, delta) {
    const result = emptyMaps(shape);
    const [size, count] = [planeSize(shape), countOf(shape)];
    for (let place = 0; place < size; place++) {
      let sum = 0;
      for (let index = place; index < size * count; index += size) sum += delta.values[index] * output.values[index];
      for (let index = place; index < size * count; index += size) {
        result.values[index] = output.values[index] * (delta.values[index] - sum);
      }
    }
    return [result];
  },
  slopes(_, _inputs, output, _input, at) {
    const [own, shares] = [at[at.length - 1], channelsAt(output, at, 0, countOf(output.shape))];
    return shares.map((share, map) => ({ at: inMap(at, map), slope: share * (Number(map === own) - shares[own]) }));
  },
  ...worded("softmax", []),
};
