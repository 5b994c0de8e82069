// @ts-check
// The input around a window, cell by cell: taps, padding, stride and dilation as they are drawn in textbooks.

/** Maps up to this, with their padding, are drawn whole, so that the window is what moves. */
const WHOLE_IN_LENS = 15;
/** Cells around the window in a larger map. */
const LENS_MARGIN = 3;
/** Cells along a side that are drawn at most. */
const MOST_CELLS = 48;
/** The size of a cell at most, in pixels. */
const MOST_CELL = 56;
/** The width of a digit, in sizes of its type. */
const DIGIT = 0.6;
/** The smallest type, in pixels. */
const LEAST_TYPE = 8;
/** Cells from this size in pixels have their numbers in them. */
const CELL_OF_NUMBER = 25;

/**
 * What is drawn of a window.
 * @typedef {object} LensView
 * @property {Grid} grid
 * @property {Scale} scale
 * @property {number[]} rows      where the taps lie
 * @property {number[]} columns
 * @property {number[][]} reach   rows and columns, first and last, that some window reads or the map has
 * @property {number[][][]} next  the windows of the values to the right and below: rows and columns, first and last
 * @property {number[] | null} most  row and column of what counts most
 * @property {number[][] | null} held  the values under the taps, also those in the padding
 */

class Lens {
  constructor() {
    this.canvas = element("canvas", { className: "lens", "aria-hidden": "true" });
    this.element = element("div", { className: "lens-holder" }, this.canvas);
    this.width = 0;
    /** @type {LensView | null} */
    this.sight = null;
    new ResizeObserver(([entry]) => {
      this.width = entry.contentRect.width;
      if (this.sight) this.draw(this.sight);
    }).observe(this.element);
  }

  /** Draws a window. @param {LensView} sight */
  draw(sight) {
    this.sight = sight;
    if (!this.width) return;
    let margin = LENS_MARGIN;
    while (margin > 1 && this.width < CELL_OF_NUMBER * (spanned(sight.columns) + 2 * margin)) margin--;
    const views = [sight.rows, sight.columns].map((taps, axis) => viewOf(taps, sight.reach[axis], margin));
    const [height, width] = views.map(([first, last]) => last - first + 1);
    const cell = Math.min(MOST_CELL, this.width / width);
    const sharp = window.devicePixelRatio || 1;
    const [across, down] = [Math.round(cell * width * sharp), Math.round(cell * height * sharp)];
    if (this.canvas.width !== across) this.canvas.width = across;
    if (this.canvas.height !== down) this.canvas.height = down;
    this.canvas.style.width = `${cell * width}px`;
    this.canvas.style.height = `${cell * height}px`;
    const pen = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.clearRect(0, 0, cell * width, cell * height);
    new LensDrawing(pen, sight, views, cell).draw();
  }
}

/** From the first tap to the last, how many samples there are. @param {number[]} taps */
function spanned(taps) {
  return taps.length ? taps[taps.length - 1] - taps[0] + 1 : 1;
}

/**
 * The first and the last place along an axis that are drawn.
 * @param {number[]} taps
 * @param {number[]} reach
 * @param {number} margin
 */
function viewOf(taps, [first, last], margin) {
  if (last - first < WHOLE_IN_LENS) return [first, last];
  const size = Math.min(spanned(taps) + 2 * margin, MOST_CELLS, last - first + 1);
  const begin = Math.min(Math.max(first, (taps[0] ?? first) - margin), last - size + 1);
  return [begin, begin + size - 1];
}

/** One drawing of a lens. */
class LensDrawing {
  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {LensView} sight
   * @param {number[][]} views
   * @param {number} cell  pixels
   */
  constructor(pen, sight, views, cell) {
    this.pen = pen;
    this.sight = sight;
    const [[top, bottom], [left, right]] = views;
    this.top = top;
    this.bottom = bottom;
    this.left = left;
    this.right = right;
    this.cell = cell;
    this.colours = pageColours();
  }

  draw() {
    const { sight, pen } = this;
    const [tapRows, tapColumns] = [
      new Map(sight.rows.map((row, i) => [row, i])),
      new Map(sight.columns.map((column, i) => [column, i])),
    ];
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (let row = this.top; row <= this.bottom; row++) {
      for (let column = this.left; column <= this.right; column++) {
        const [i, j] = [tapRows.get(row), tapColumns.get(column)];
        this.#cell(row, column, i === undefined || j === undefined ? null : (sight.held?.[i]?.[j] ?? null));
      }
    }
    for (const [rows, columns] of sight.next) this.#rectangle(rows, columns, 1.5, [4, 4]);
    const spans = [sight.rows, sight.columns].map((taps) => [taps[0], taps[taps.length - 1]]);
    const isDilated = [sight.rows, sight.columns].some((taps) => taps.length > 1 && taps[1] - taps[0] > 1);
    if (isDilated) {
      for (const row of sight.rows)
        for (const column of sight.columns) this.#rectangle([row, row], [column, column], 2.5, []);
    } else if (sight.rows.length && sight.columns.length) this.#rectangle(spans[0], spans[1], 3, []);
    if (sight.most) this.#most(sight.most[0], sight.most[1]);
  }

  /** @param {number} row @param {number} column @param {number | null} held */
  #cell(row, column, held) {
    const { pen, cell, sight } = this;
    const { height, width, values } = sight.grid;
    const [x, y] = [(column - this.left) * cell, (row - this.top) * cell];
    const gap = cell > 6 ? 0.5 : 0;
    const inside = row >= 0 && row < height && column >= 0 && column < width;
    const value = inside ? values[row * width + column] : held;
    if (inside) {
      const colour = colourOf(/** @type {number} */ (value), sight.scale);
      pen.fillStyle = `rgb(${colour.join(" ")})`;
      pen.fillRect(x + gap, y + gap, cell - 2 * gap, cell - 2 * gap);
      pen.fillStyle = isLight(colour) ? "#000" : "#fff";
    } else {
      this.#hatch(x + gap, y + gap, cell - 2 * gap);
      pen.fillStyle = this.colours.ink;
    }
    if (value === null || cell < CELL_OF_NUMBER) return;
    const text = brief(value);
    const size = Math.min(13, cell * 0.4, (cell - 4) / (DIGIT * text.length));
    if (size < LEAST_TYPE) return;
    pen.font = `${size}px system-ui, sans-serif`;
    pen.fillText(text, x + cell / 2, y + cell / 2);
  }

  /** Fills a cell of the padding. @param {number} x @param {number} y @param {number} size */
  #hatch(x, y, size) {
    const { pen } = this;
    pen.fillStyle = this.colours.sunken;
    pen.fillRect(x, y, size, size);
    pen.strokeStyle = this.colours.hatch;
    pen.lineWidth = 1;
    pen.beginPath();
    for (const share of [0.5, 1, 1.5]) {
      const [from, to] = [Math.max(0, share - 1) * size, Math.min(1, share) * size];
      pen.moveTo(x + from, y + to);
      pen.lineTo(x + to, y + from);
    }
    pen.stroke();
  }

  /** @param {number[]} rows @param {number[]} columns @param {number} thick @param {number[]} dashes */
  #rectangle(rows, columns, thick, dashes) {
    const { pen, cell } = this;
    const [x, y] = [(columns[0] - this.left) * cell, (rows[0] - this.top) * cell];
    const [width, height] = [(columns[1] - columns[0] + 1) * cell, (rows[1] - rows[0] + 1) * cell];
    for (const [colour, extra] of /** @type {[string, number][]} */ ([
      [this.colours.halo, 2],
      [this.colours.accent, 0],
    ])) {
      pen.strokeStyle = colour;
      pen.lineWidth = thick + extra;
      pen.setLineDash(extra ? [] : dashes);
      if (!extra || !dashes.length) pen.strokeRect(x + thick / 2, y + thick / 2, width - thick, height - thick);
    }
    pen.setLineDash([]);
  }

  /** Marks what counts most with a ring. @param {number} row @param {number} column */
  #most(row, column) {
    const { pen, cell } = this;
    const [x, y] = [(column - this.left + 0.5) * cell, (row - this.top + 0.5) * cell];
    for (const [colour, thick] of /** @type {[string, number][]} */ ([
      [this.colours.halo, 4],
      [this.colours.accent, 2],
    ])) {
      pen.strokeStyle = colour;
      pen.lineWidth = thick;
      pen.beginPath();
      pen.arc(x, y, Math.max(2, cell * 0.4), 0, 2 * Math.PI);
      pen.stroke();
    }
  }
}

/**
 * A number short enough for a cell.
 * @param {number} value
 */
function brief(value) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "-∞" : "nan";
  if (Number.isInteger(value) && Math.abs(value) < 1e5) return String(value + 0);
  const size = Math.abs(value);
  return size >= 1000 || size < 0.001 ? value.toExponential(0) : String(Number(value.toPrecision(size < 1 ? 2 : 3)));
}

/** @type {{isDark: boolean, colours: Record<string, string>} | null} */
let knownColours = null;

/** The page's colours, for what is drawn on canvases. */
function pageColours() {
  if (knownColours?.isDark !== isDarkNow()) {
    const style = getComputedStyle(document.documentElement);
    const names = ["accent", "halo", "sunken", "hatch", "ink", "line"];
    const colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    knownColours = { isDark: isDarkNow(), colours };
  }
  return /** @type {{colours: Record<string, string>}} */ (knownColours).colours;
}
