// @ts-check
// What a stage reads, as it stands beside its result, and the part of it under the lens.

/** One of the results that a stage reads, with the window in it. */
class InputFigure {
  /**
   * @param {Model} model
   * @param {() => void} changed  called when another map is chosen
   */
  constructor(model, changed) {
    this.model = model;
    this.map = 0;
    this.frame = new Frame("window");
    this.caption = element("figcaption", { className: "soft small" });
    this.title = element("span", {});
    this.choice = element("select", { "aria-label": "map of the input" });
    this.choice.addEventListener("change", () => {
      this.map = Number(this.choice.value);
      changed();
    });
    this.caption.append(this.title, this.choice);
    this.element = element("figure", { className: "input" }, this.caption, this.frame.element);
    /** @type {{maps: Maps, map: number, isDark: boolean} | null} */
    this.painted = null;
    this.maps = [0, 0];
  }

  /**
   * Shows a result, and which part of it a value reads.
   * @param {number} read
   * @param {Block | null} block
   */
  show(read, block) {
    const maps = this.model.results[read];
    if (!maps) return;
    this.#choose(maps.shape.length === 1 || !block ? [0, 0] : block[2]);
    const isDark = isDarkNow();
    if (this.painted?.maps !== maps || this.painted.map !== this.map || this.painted.isDark !== isDark) {
      this.painted = { maps, map: this.map, isDark };
      this.frame.paint(gridOf(maps, this.map), coloursFor(this.model, read), LARGE);
      const isVector = maps.shape.length === 1;
      const size = isVector ? `${maps.shape[0]} numbers` : `${maps.shape[0]}x${maps.shape[1]}`;
      const map = isVector ? "" : this.choice.hidden ? `, map ${this.map}` : ", map ";
      write(this.title, `${read ? `stage ${read}` : "picture"}: ${size}${map}`);
    }
    this.frame.outline("window", block && partOf(maps.shape, block));
  }

  /**
   * Offers the maps that the value reads, and stays with the chosen one as long as they are the same.
   * @param {number[]} maps  first and last
   */
  #choose([first, last]) {
    if (this.maps[0] !== first || this.maps[1] !== last || !this.choice.options.length) {
      this.maps = [first, last];
      this.map = first;
      const numbers = wholes([first, last]);
      this.choice.replaceChildren(
        ...numbers.map((number) => element("option", { value: String(number) }, String(number))),
      );
    }
    this.choice.hidden = first === last;
    this.choice.value = String(this.map);
  }
}

/** The rows and the columns of a value that reads none, as between the samples of a transposed convolution. */
const NO_SAMPLES = [
  [0, -1],
  [0, -1],
  [0, -1],
];

/**
 * What the lens shows of a value's window; null where there is none: the stage reads a vector, or all of its maps.
 * @param {Model} model
 * @param {number} number
 * @param {Place} at
 * @param {any} step  of the value
 * @param {number} map  of the input
 * @returns {LensView | null}
 */
function sightOf(model, number, at, step, map) {
  const [read] = model.stages[number - 1].reads;
  const [maps, shape, given] = [
    /** @type {Maps} */ (model.results[read]),
    shapeOf(model, number),
    shapeOf(model, read),
  ];
  if (given.length === 1 || shape.length === 1 || step.kind === "mean" || step.kind === "largest") return null;
  const block = (/** @type {Place} */ place) => blockOf(regionsRead(model, number, place)[0]) ?? NO_SAMPLES;
  const window = windowOf(step, map);
  const [rows, columns] = block(at);
  const spans = [window?.rows ?? wholes(rows), window?.columns ?? wholes(columns)];
  const ends = joinedBlocks(block([0, 0, at[2]]), block([shape[0] - 1, shape[1] - 1, at[2]]));
  const reach = [0, 1].map((axis) => [Math.min(0, ends[axis][0]), Math.max(given[axis] - 1, ends[axis][1])]);
  const later = [
    [at[0], at[1] + 1, at[2]],
    [at[0] + 1, at[1], at[2]],
  ].filter((place) => place[0] < shape[0] && place[1] < shape[1]);
  const isMoving = spans.some((span) => span.length > 1);
  const most = step.follows && step.follows.length > 1 && step.follows[2] === map ? step.follows : null;
  return {
    grid: gridOf(maps, map),
    scale: coloursFor(model, read),
    rows: spans[0],
    columns: spans[1],
    reach,
    next: isMoving ? later.map((place) => block(place).slice(0, 2)).filter(([[first, last]]) => first <= last) : [],
    most: isMoving ? most : null,
    held: window?.values?.map((/** @type {(number | string)[]} */ row) => row.map(numberOf)) ?? null,
  };
}

/** The window of a step's record over a map of the input, if it has one. @param {any} step @param {number} map */
function windowOf(step, map) {
  if (step.window) return step.window;
  if (step.samples) return step.samples.window;
  const channels = step.filters?.[0].channels ?? [];
  return channels.find((/** @type {any} */ channel) => channel.window.channel === map)?.window ?? null;
}

/** The whole numbers from one to another. @param {number[]} ends */
function wholes([first, last]) {
  return range(last - first + 1).map((index) => first + index);
}

/** What a lens shows, in words: the window, and what is drawn around it. @param {LensView} sight */
function lensTexts({ rows, columns, next, reach, grid, most }) {
  if (!rows.length || !columns.length) return ["window: none", "no sample reaches this place"];
  const size = `${rows.length}x${columns.length}`;
  const gap = rows.length > 1 ? rows[1] - rows[0] : columns.length > 1 ? columns[1] - columns[0] : 1;
  const isPadded = reach[0][0] < 0 || reach[1][0] < 0 || reach[0][1] >= grid.height || reach[1][1] >= grid.width;
  const parts = [
    next.length ? "dashed: the next windows" : "",
    isPadded ? "hatched: padding" : "",
    most ? "ring: counts most" : "",
  ];
  return [`window: ${size}${gap > 1 ? `, taps ${gap} apart` : ""}`, parts.filter(Boolean).join("; ")];
}
