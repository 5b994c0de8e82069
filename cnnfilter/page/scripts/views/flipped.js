/** What has a kernel that can be turned. */
const TURNED_KINDS = ["conv", "depthwise"];

/**
 * A map by correlation and by convolution.
 * @typedef {object} Compared
 * @property {number[][][]} kernels
 * @property {Maps[]} results  both, and their difference
 * @property {ReturnType<typeof differences>} told
 * @property {number} most     the largest magnitude of the two
 */

/**
 * What a convolution makes of its input with its kernel as it is, and turned.
 * @param {Stage} stage
 * @param {Maps} input
 * @param {number} map
 * @returns {Compared}
 */
function comparedBothWays(stage, input, map) {
  const both = [false, true].map((flip) => ({ ...stage, keys: { ...stage.keys, flip } }));
  const kernels = both.map((each) => filterOf(each, input.shape[2], map).weights[0][0]);
  const [one, other] = both.map((each) => oneMap(each, input, map));
  const away = { shape: one.shape, values: one.values.map((value, at) => value - other.values[at]) };
  const most = [one, other].flatMap(rangeOf).reduce((size, value) => Math.max(size, Math.abs(value)), 0);
  return { kernels, results: [one, other, away], told: differences(one.values, other.values), most };
}

/**
 * How two results of one size differ.
 * @param {Float32Array} first
 * @param {Float32Array} second
 * @returns {{places: number, most: number, at: number, negative: boolean}}  how many places differ, the largest
 *  difference and its index, and whether one result is the other with its sign turned
 */
function differences(first, second) {
  let [places, most, at, negative] = [0, 0, 0, true];
  first.forEach((value, index) => {
    const away = Math.abs(value - second[index]);
    if (away > 0) places += 1;
    if (away > most) [most, at] = [away, index];
    if (value !== -second[index]) negative = false;
  });
  return { places, most, at, negative };
}

/**
 * Correlation, which networks call convolution, beside the convolution of mathematics, whose kernel is turned by 180
 * degrees: both kernels, both results, and where they differ.
 * @param {Model} model
 * @returns {Lesson}
 */
function flippedLesson(model) {
  const board = element("div", { className: "stack" });
  const values = range(3).map(() => element("p", { className: "small at" }));
  /** @type {{stage: Stage, input: Maps, map: number, compared: Compared} | null} what is not computed again */
  let known = null;

  /** The convolution that is looked at, else the first; 0 if there is none. */
  function which() {
    const selected = model.selection?.stage ?? 0;
    if (selected && TURNED_KINDS.includes(model.stages[selected - 1].kind)) return selected;
    return model.stages.findIndex(({ kind }) => TURNED_KINDS.includes(kind)) + 1;
  }

  function refresh() {
    const number = which();
    const input = number ? model.results[model.stages[number - 1].reads[0]] : null;
    if (!input || !model.results[number]) {
      known = null;
      board.replaceChildren(
        element("p", {}, number ? "The convolution cannot be computed." : "This network has no convolution."),
      );
      return;
    }
    const stage = model.stages[number - 1];
    const shape = /** @type {Shape} */ (model.shapes[number]);
    const [row, column, map] =
      model.selection?.stage === number ? model.selection.at : [Math.floor(shape[0] / 2), Math.floor(shape[1] / 2), 0];
    if (known?.stage !== stage || known.input !== input || known.map !== map) {
      known = { stage, input, map, compared: comparedBothWays(stage, input, map) };
      const { kernels, results, told, most } = known.compared;
      const names = ["Correlation", "Convolution", "Their difference"];
      const ends = [most, most, told.most];
      board.replaceChildren(
        element(
          "p",
          { className: "small soft" },
          `Stage ${number}, ${stageLabel(stage)}, map ${map}. Networks slide the kernel ` +
            "as it is, which is correlation; convolution turns it by 180\u00b0 first.",
        ),
        element(
          "div",
          { className: "compared" },
          ...results.map((maps, index) => figureOf(names[index], maps, ends[index], values[index], kernels[index])),
        ),
        element("p", { role: "status" }, verdict(told, results[0].shape)),
      );
    }
    known.compared.results.forEach((maps, index) =>
      values[index].replaceChildren(
        `row ${row}, column ${column}: `,
        element("strong", {}, show(valueAt(maps, [row, column, 0]))),
      ),
    );
  }

  return { title: "Correlation and convolution", node: board, refresh };
}

/**
 * A result with its kernel and its value at the place that is looked at.
 * @param {string} name
 * @param {Maps} maps
 * @param {number} most  the magnitude that has the full colour
 * @param {HTMLElement} value
 * @param {number[][] | undefined} kernel
 */
function figureOf(name, maps, most, value, kernel) {
  return element(
    "figure",
    { tabIndex: 0 }, // as it may have to be scrolled
    element("figcaption", {}, name),
    mapPicture(maps, most, name),
    value,
    ...(kernel ? [plainTable(kernel, "kernel")] : []),
  );
}

/**
 * What is said of two results.
 * @param {ReturnType<typeof differences>} told
 * @param {Shape} shape
 */
function verdict({ places, most, at, negative }, [height, width]) {
  if (places === 0) return "Both give the same everywhere: turned by 180\u00b0, this kernel is itself.";
  const where = `row ${Math.floor(at / width)}, column ${at % width}`;
  const many = `${grouped(places)} of ${grouped(height * width)} places`;
  const rest = `they differ at ${many}, the most at ${where}, by ${show(most)}.`;
  return negative ? `Turned, this kernel is its own negative, so the sign turns: ${rest}` : `T${rest.slice(1)}`;
}

/**
 * One map that a convolution makes.
 * @param {Stage} stage
 * @param {Maps} input
 * @param {number} map
 * @returns {Maps}
 */
function oneMap(stage, input, map) {
  const isBank = stage.kind === "conv" && stage.learned.weight && stage.keys.groups === 1;
  const made = isBank ? withOneFilter(stage, map) : stage;
  const { shape, values } = kindOf(made).compute(made, [input]);
  const [height, width] = shape;
  const begin = (isBank ? 0 : map) * height * width;
  return { shape: [height, width, 1], values: values.slice(begin, begin + height * width) };
}

/**
 * A convolution that has one of its filters alone: the others would be computed for nothing.
 * @param {Stage} stage
 * @param {number} map
 * @returns {Stage}
 */
function withOneFilter(stage, map) {
  const { keys, learned } = stage;
  const alone = Object.entries(learned).map(([role, { shape, values }]) => {
    const size = values.length / shape[0];
    return [role, { shape: [1, ...shape.slice(1)], values: values.slice(map * size, (map + 1) * size) }];
  });
  return {
    ...stage,
    keys: { ...keys, sizes: keys.sizes && { ...keys.sizes, count: 1 } },
    learned: Object.fromEntries(alone),
  };
}

/**
 * Numbers in a table, to be read.
 * @param {number[][]} matrix
 * @param {string} caption
 */
function plainTable(matrix, caption) {
  if (Math.max(matrix.length, matrix[0].length) > LARGEST_GRID)
    return element("p", { className: "small soft" }, caption);
  return element(
    "table",
    { className: "numbers" },
    element("caption", {}, caption),
    element(
      "tbody",
      {},
      ...matrix.map((row) => element("tr", {}, ...row.map((value) => element("td", {}, short(value))))),
    ),
  );
}

/**
 * A map as a picture around 0.
 * @param {Maps} maps
 * @param {number} most     the magnitude that has the full colour
 * @param {string} label
 */
function mapPicture(maps, most, label) {
  const canvas = element("canvas", { role: "img", "aria-label": label });
  paint(canvas, gridOf(maps, 0), { signed: true, low: -most, high: most }, 512);
  return canvas;
}
