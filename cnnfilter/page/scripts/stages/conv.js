// Convolutions, full, grouped and depthwise: named kernels, matrices, and learned banks.

/**
 * @typedef {object} MapFilter  what is multiplied with to make one map
 * @property {string} name  that of the kernel, or of the bank and the map's number
 * @property {number[]} channels  those of the input that it looks at
 * @property {number[][][][]} weights  (filters, channels, rows, columns), before the scale; one filter unless they combine
 * @property {Pair[]} scales  numerator and denominator of what the sum of each filter is multiplied by
 * @property {string | null} combine
 * @property {number} bias
 */

/**
 * Height and width of a convolution's kernel.
 *
 * @param {Stage} stage
 * @returns {Pair}
 */
function convolutionWindow({ keys, learned }) {
  if (keys.kernels.length) return [keys.kernels[0].filters[0].length, keys.kernels[0].filters[0][0].length];
  if (keys.sizes) return keys.sizes.window;
  return [learned.weight.shape[2], learned.weight.shape[3]];
}

/**
 * How a convolution's kernel moves.
 *
 * @param {Stage} stage
 * @param {Shape} shape
 */
function convolutionSliding(stage, shape) {
  return slidingOver(shape, convolutionWindow(stage), /** @type {any} */ (stage.keys));
}

/**
 * How many maps a convolution makes of so many channels.
 *
 * @param {Stage} stage
 * @param {number} channels
 */
function convolutionCount(stage, channels) {
  const { kernels, sizes, groups } = stage.keys;
  if (kernels.length) return channels * kernels.reduce((/** @type {number} */ all, /** @type {Kernel} */ each) => all + mapsOf(each), 0);
  const isDepthwise = stage.kind === "depthwise";
  const filters = sizes ? sizes.count * (isDepthwise ? channels : 1) : stage.learned.weight.shape[0];
  const inputs = stage.learned.weight?.shape[1];
  if (isDepthwise) {
    if (inputs !== undefined && (inputs !== 1 || filters % channels || stage.learned.weight.shape[0] !== filters)) {
      throw new Mistake(`${bankName(stage)} holds ${stage.learned.weight.shape[0]} filters over ${inputs} channels; over ` +
        `${channels} channels, depthwise needs filters over 1, the same number for each channel`);
    }
    return filters;
  }
  if (channels % groups || filters % groups) {
    throw new Mistake(`groups=${groups} does not divide ${channels} input channels and ${filters} filters`);
  }
  if (inputs !== undefined && inputs * groups !== channels) {
    throw new Mistake(`${bankName(stage)} holds filters over ${inputs} channels, but ${channels} ` +
      `${channels === 1 ? "arrives" : "arrive"}; ${remedy(inputs, filters, channels)}`);
  }
  return filters;
}

/** @param {Stage} stage */
function bankName(stage) {
  return stage.keys.bank ?? stage.kind;
}

/** @param {Kernel} kernel */
function mapsOf(kernel) {
  return kernel.combine ? 1 : kernel.filters.length;
}

/**
 * What would let a bank fit what arrives.
 *
 * @param {number} inputs
 * @param {number} filters
 * @param {number} channels
 */
function remedy(inputs, filters, channels) {
  if (inputs === 1 && channels === 3) return `put gray before it${filters % 3 ? "" : ", or use depthwise"}`;
  if (channels % inputs === 0 && channels > inputs && filters % (channels / inputs) === 0) {
    return `groups=${channels / inputs} would fit`;
  }
  if (inputs === 3 && channels === 1) return "use a colour picture, and no gray before it, or put rgb before it";
  return "another stage before it must give that many";
}

/**
 * The channels of the input that a map is made of: the first, and how many.
 *
 * @param {Stage} stage
 * @param {number} channels  those of the input
 * @param {number} number  the map's
 */
function channelsOf({ keys, learned }, channels, number) {
  if (keys.kernels.length) {
    const each = keys.kernels.reduce((/** @type {number} */ all, /** @type {Kernel} */ kernel) => all + mapsOf(kernel), 0);
    return [Math.floor(number / each), 1];
  }
  const [filters, inputs] = learned.weight.shape;
  return [Math.floor((number * (channels / inputs)) / filters) * inputs, inputs];
}

/**
 * The filter of a map.
 *
 * @param {Stage} stage
 * @param {number} channels  those of the input
 * @param {number} number
 * @returns {MapFilter}
 */
function filterOf(stage, channels, number) {
  const { keys, learned } = stage;
  const [first] = channelsOf(stage, channels, number);
  if (keys.kernels.length) {
    const each = keys.kernels.flatMap((/** @type {Kernel} */ kernel) =>
      kernel.combine ? [{ kernel, filters: kernel.filters }] : kernel.filters.map((filter) => ({ kernel, filters: [filter] })),
    );
    const { kernel, filters } = each[number % each.length];
    const weights = filters.map((/** @type {number[][]} */ filter) => [turned(filter, keys.flip)]);
    const scales = weights.map((/** @type {number[][][]} */ each) => scaleOf(each, keys.scale, kernel.scale));
    return { name: kernel.name, channels: [first], weights, scales, combine: kernel.combine, bias: keys.bias };
  }
  const [, inputs, height, width] = learned.weight.shape;
  const matrices = range(inputs).map((c) => {
    const begin = (number * inputs + c) * height * width;
    const rows = range(height).map((m) => [...learned.weight.values.subarray(begin + m * width, begin + (m + 1) * width)]);
    return turned(rows, keys.flip);
  });
  const bias = keys.bias + (learned.bias ? learned.bias.values[number] : 0);
  return {
    name: `${bankName(stage)}, map ${number}`,
    channels: range(inputs).map((c) => first + c),
    weights: [matrices],
    scales: [scaleOf(matrices, keys.scale, [1, 1])],
    combine: null,
    bias,
  };
}

/**
 * A matrix as it is, or rotated by 180 degrees.
 *
 * @param {number[][]} matrix
 * @param {boolean} flip
 */
function turned(matrix, flip) {
  return flip ? matrix.map((row) => [...row].reverse()).reverse() : matrix;
}

/**
 * What the sum of a filter is multiplied by.
 *
 * @param {number[][][]} weights
 * @param {string} scale  "none", "sum" or "l1"
 * @param {Pair} own  the kernel's, which cancels out where a sum divides
 * @returns {Pair}
 */
function scaleOf(weights, scale, own) {
  if (scale === "none") return own;
  const numbers = weights.flat(2);
  const size = numbers.reduce((sum, value) => sum + Math.abs(value), 0);
  if (scale === "l1") return [1, size || 1];
  const total = Math.abs(numbers.reduce((sum, value) => sum + value, 0));
  const positive = numbers.reduce((sum, value) => sum + Math.max(value, 0), 0);
  return [1, (total > 1e-6 * size ? total : positive) || 1];
}

/**
 * @typedef {object} FilterTaps  the weights of a filter that are not 0, which add nothing to a sum whatever they meet
 * @property {Int32Array} offsets  where their samples lie, of the value at row 0 and column 0
 * @property {Float64Array} weights
 */

/**
 * The taps of a filter over padded maps.
 *
 * @param {number[][][]} weights
 * @param {number[]} channels
 * @param {Shape} shape
 * @param {Sliding} sliding
 * @returns {FilterTaps}
 */
function countingTaps(weights, channels, [height, width], { dilation }) {
  const offsets = /** @type {number[]} */ ([]);
  const kept = /** @type {number[]} */ ([]);
  weights.forEach((matrix, c) =>
    matrix.forEach((line, m) =>
      line.forEach((weight, n) => {
        if (weight === 0) return;
        offsets.push((channels[c] * height + m * dilation[0]) * width + n * dilation[1]);
        kept.push(weight);
      }),
    ),
  );
  return { offsets: Int32Array.from(offsets), weights: Float64Array.from(kept) };
}

/**
 * Write the sums of products along a row. Four taps at a time take half as long as one.
 *
 * @param {Float64Array} sums
 * @param {Float32Array} values
 * @param {FilterTaps} taps
 * @param {number} base  where the row's first window lies
 * @param {number} step
 */
function sumProducts(sums, values, { offsets, weights }, base, step) {
  const [length, count] = [sums.length, weights.length];
  sums.fill(0);
  let tap = 0;
  for (; tap + 3 < count; tap += 4) {
    let [a, b, c, d] = [offsets[tap] + base, offsets[tap + 1] + base, offsets[tap + 2] + base, offsets[tap + 3] + base];
    const [u, v, w, z] = [weights[tap], weights[tap + 1], weights[tap + 2], weights[tap + 3]];
    for (let x = 0; x < length; x++, a += step, b += step, c += step, d += step) {
      sums[x] += u * values[a] + v * values[b] + w * values[c] + z * values[d];
    }
  }
  for (; tap < count; tap++) {
    let from = offsets[tap] + base;
    const weight = weights[tap];
    for (let x = 0; x < length; x++, from += step) sums[x] += weight * values[from];
  }
}

/**
 * @param {Stage} stage
 * @param {Maps[]} inputs
 * @returns {Maps}
 */
function convolved(stage, [input]) {
  const sliding = convolutionSliding(stage, input.shape);
  const [height, width, count] = convolutionKind.output(stage, [input.shape]);
  const given = padded(input, sliding.pads, stage.keys.border, borderValue(stage.keys.border));
  const values = new Float32Array(height * width * count);
  const sums = new Float64Array(width);
  const row = new Float64Array(width);
  for (let o = 0; o < count; o++) {
    const { weights, channels, scales, combine, bias } = filterOf(stage, input.shape[2], o);
    const filters = weights.map((each) => countingTaps(each, channels, given.shape, sliding));
    for (let y = 0; y < height; y++) {
      const base = y * sliding.stride[0] * given.shape[1];
      row.fill(combine === "maximum" ? -Infinity : 0);
      for (let each = 0; each < filters.length; each++) {
        sumProducts(sums, given.values, filters[each], base, sliding.stride[1]);
        const [over, under] = scales[each];
        if (combine === "magnitude") for (let x = 0; x < width; x++) row[x] += ((sums[x] * over) / under) ** 2;
        else if (combine === "maximum") for (let x = 0; x < width; x++) row[x] = Math.max(row[x], (sums[x] * over) / under);
        else for (let x = 0; x < width; x++) row[x] = (sums[x] * over) / under;
      }
      const begin = (o * height + y) * width;
      if (combine === "magnitude") for (let x = 0; x < width; x++) values[begin + x] = Math.sqrt(row[x]) + bias;
      else for (let x = 0; x < width; x++) values[begin + x] = row[x] + bias;
    }
  }
  return { shape: [height, width, count], values };
}

/**
 * @param {Stage} stage
 * @param {Maps[]} inputs
 * @param {Place} at
 * @param {number} value
 * @returns {AnyStep}
 */
function explainedConvolution(stage, [input], at, value) {
  const filter = filterOf(stage, input.shape[2], at[2]);
  const { border } = stage.keys;
  const sliding = convolutionSliding(stage, input.shape);
  const windows = filter.channels.map((channel) => windowAt(input, sliding, at, channel, border, borderValue(border)));
  const filters = filter.weights.map((weights, number) => {
    const [over, under] = filter.scales[number];
    const channels = weights.map((kernel, c) => {
      const products = windows[c].values.map((row, m) => row.map((x, n) => (kernel[m][n] === 0 ? 0 : kernel[m][n] * x)));
      return { window: windows[c], kernel, products, sum: products.flat().reduce((sum, each) => sum + each, 0) };
    });
    const total = channels.reduce((sum, each) => sum + each.sum, 0);
    return { channels, total, scale: over / under, value: (total * over) / under };
  });
  const largest = filters.reduce((best, each) => (each.value > best.value ? each : best));
  const counting = filter.combine === "maximum" ? [largest] : filters;
  const products = counting.flatMap((each) => each.channels.map((channel) => channel.products));
  const found = mostInside(products, windows[0].padding);
  const window = found && windows[found[0] % windows.length];
  const follows = found && window ? [window.rows[found[1]], window.columns[found[2]], window.channel] : null;
  const { name, combine, bias } = filter;
  return { kind: "convolution", at, value, follows, filter: name, filters, combine, bias };
}

/** @type {Kind} */
const convolutionKind = {
  output(stage, [shape]) {
    const count = convolutionCount(stage, takesMaps(shape, stage)[2]);
    return [...outputSizes(shape, convolutionSliding(stage, shape)), count];
  },
  figures(stage, [shape]) {
    const { kernels, file, bias, biased } = stage.keys;
    const [height, width, count] = this.output(stage, [shape]);
    const places = height * width;
    const size = sizeArithmetic(shape, convolutionSliding(stage, shape));
    const window = convolutionWindow(stage);
    if (kernels.length) {
      const filters = kernels.reduce((/** @type {number} */ all, /** @type {Kernel} */ each) => all + each.filters.length, 0);
      const parameters = file ? product(window) : 0;
      const perPlace = file ? parameters * shape[2] : filters * shape[2] * product(window) + count * Number(bias !== 0);
      return { parameters, macs: places * perPlace, arithmetic: size };
    }
    const inputs = stage.learned.weight?.shape[1] ?? (stage.kind === "depthwise" ? 1 : shape[2] / stage.keys.groups);
    const hasBias = stage.keys.sizes ? biased : Boolean(stage.learned.bias);
    const parameters = count * (product(window) * inputs + Number(hasBias));
    const learned = parametersArithmetic([...window, inputs], count, hasBias);
    return { parameters, macs: places * parameters, arithmetic: `${size}\n${learned}` };
  },
  compute: convolved,
  regions(stage, [shape], at) {
    const [first, count] = channelsOf(stage, shape[2], at[2]);
    return [windowRegion(convolutionSliding(stage, shape), at, [first, first + count - 1], stage.keys.border)];
  },
  sights(stage, shape) {
    return slidingSights(convolutionSliding(stage, shape));
  },
  explain: explainedConvolution,
  text(stage) {
    const { kernels, sizes, file, stride, padding, dilation, border, groups, flip, scale, bias, biased, numbers } = stage.keys;
    const window = sizes && sizes.window.join("x");
    const short = stage.kind === "depthwise" && sizes?.count === 1;
    const what = sizes ? [short ? window : `${sizes.count}@${window}`] : file ?? [kernels.map(kernelText).join("+")];
    const options = showOptions({
      stride: [showPair(stride), showPair(stride) !== "1"],
      padding: [showPadding(padding), showPadding(padding) !== "0"],
      dilation: [showPair(dilation), showPair(dilation) !== "1"],
      border: [border, border !== "zeros"],
      groups: [`${groups}`, groups > 1],
      flip: ["yes", flip],
      scale: [scale, scale !== "none"],
      bias: [biased ? showNumber(bias) : "no", bias !== 0 || !biased],
    });
    return [stage.kind, ...what, ...options, ...numbers].join(":");
  },
  parse(text) {
    const given = readArguments(text, ["kernel", "stride", "padding", "dilation", "border", "flip", "scale", "bias"], "kernel");
    if (given.kernel === undefined) throw new Mistake("needs a kernel, such as conv:sobel-x or conv:1 0 -1");
    const scale = given.scale ?? "none";
    if (!SCALES.includes(scale)) throw new Mistake(`unknown scale ${quoted(scale)} (known: ${SCALES.join(", ")})`);
    const keys = {
      kernels: splitText(given.kernel, "+").map(readKernel),
      sizes: null,
      file: null,
      stride: readPair(given.stride ?? "1", "stride"),
      padding: readPadding(given.padding ?? "0"),
      dilation: readPair(given.dilation ?? "1", "dilation"),
      border: readBorder(given.border ?? "zeros"),
      groups: 1,
      flip: readSwitch(given.flip ?? "no"),
      scale,
      bias: readNumber(given.bias ?? "0"),
      biased: true,
      numbers: [],
    };
    return { keys };
  },
  controls: [
    { key: "kernels", label: "kernel", type: "kernel", when: (stage) => stage.keys.kernels.length > 0 },
    { key: "learned.weight", label: "weights", type: "weights", when: (stage) => Boolean(stage.learned.weight) },
    { key: "learned.bias", label: "learned bias", type: "weights", when: (stage) => Boolean(stage.learned.bias) },
    { key: "stride", label: "stride", type: "pair" },
    { key: "padding", label: "padding", type: "padding" },
    { key: "dilation", label: "dilation", type: "pair" },
    { key: "border", label: "border", type: "choice", choices: BORDERS },
    { key: "flip", label: "flip the kernel", type: "check", when: (stage) => !stage.keys.sizes },
    { key: "scale", label: "scale", type: "choice", choices: ["none", "sum", "l1"], when: (stage) => !stage.keys.sizes },
    { key: "bias", label: "bias", type: "number", when: (stage) => !stage.keys.sizes },
  ],
};

const SCALES = ["none", "sum", "l1"];

KINDS.conv = convolutionKind;
KINDS.depthwise = convolutionKind;
