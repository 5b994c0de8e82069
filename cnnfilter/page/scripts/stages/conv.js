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
 * The filter of a map as flat lists of weights, as they are before `flip`.
 *
 * @param {Stage} stage
 * @param {number} number
 * @returns {{name: string, filters: ArrayLike<number>[], scales: Pair[], combine: string | null, bias: number}}
 */
function flatFilter(stage, number) {
  const { keys, learned } = stage;
  if (keys.kernels.length) {
    const each = keys.kernels.flatMap((/** @type {Kernel} */ kernel) =>
      kernel.combine ? [{ kernel, own: kernel.filters }] : kernel.filters.map((filter) => ({ kernel, own: [filter] })),
    );
    const { kernel, own } = each[number % each.length];
    const filters = own.map((/** @type {number[][]} */ matrix) => matrix.flat());
    const scales = filters.map((/** @type {number[]} */ weights) => scaleOf(weights, keys.scale, kernel.scale));
    return { name: kernel.name, filters, scales, combine: kernel.combine, bias: keys.bias };
  }
  const size = product(learned.weight.shape.slice(1));
  const weights = learned.weight.values.subarray(number * size, (number + 1) * size);
  const bias = keys.bias + (learned.bias ? learned.bias.values[number] : 0);
  const name = `${bankName(stage)}, map ${number}`;
  return { name, filters: [weights], scales: [scaleOf(weights, keys.scale, [1, 1])], combine: null, bias };
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
  const { filters, ...others } = flatFilter(stage, number);
  const [first, count] = channelsOf(stage, channels, number);
  const [height, width] = convolutionWindow(stage);
  const weights = filters.map((flat) => range(count).map((c) => {
    const rows = range(height).map((m) => range(width).map((n) => flat[(c * height + m) * width + n]));
    return turned(rows, stage.keys.flip);
  }));
  return { ...others, channels: range(count).map((c) => first + c), weights };
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
 * @param {ArrayLike<number>} weights
 * @param {string} scale  "none", "sum" or "l1"
 * @param {Pair} own  the kernel's, which cancels out where a sum divides
 * @returns {Pair}
 */
function scaleOf(weights, scale, own) {
  if (scale === "none") return own;
  const numbers = Array.from(weights);
  const size = numbers.reduce((sum, value) => sum + Math.abs(value), 0);
  if (scale === "l1") return [1, size || 1];
  const total = Math.abs(numbers.reduce((sum, value) => sum + value, 0));
  const positive = numbers.reduce((sum, value) => sum + Math.max(value, 0), 0);
  return [1, (total > 1e-6 * size ? total : positive) || 1];
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
  ...convolutionDeltas,
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
      kernels: readKernels(given.kernel),
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
    ...FILTER_CONTROLS,
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
