// @ts-check
// Tables of numbers that are filled again and again as the window moves.

/** The value of a number in a record, where one that is not finite is a text. @param {number | string} value */
function numberOf(value) {
  if (typeof value === "number") return value;
  return value === "inf" ? Infinity : value === "-inf" ? -Infinity : NaN;
}

/** A matrix with coloured cells, and the rows and columns of a map beside it where it is a window. */
class NumbersTable {
  /**
   * @param {number} height
   * @param {number} width
   * @param {boolean} hasHeads
   */
  constructor(height, width, hasHeads) {
    const heads = (/** @type {number} */ count, /** @type {string} */ scope) =>
      Array.from({ length: hasHeads ? count : 0 }, () => element("th", { scope }));
    this.height = height;
    this.width = width;
    this.caption = element("caption", {});
    this.columns = heads(width, "col");
    this.rows = heads(height, "row");
    this.cells = Array.from({ length: height * width }, () => element("td", {}));
    const lines = Array.from({ length: height }, (_, i) =>
      element("tr", {}, ...this.rows.slice(i, i + 1), ...this.cells.slice(i * width, (i + 1) * width)),
    );
    if (hasHeads) lines.unshift(element("tr", {}, element("td", { className: "corner" }), ...this.columns));
    this.element = element(
      "table",
      { className: width > 3 ? "numbers wide" : "numbers" },
      this.caption,
      element("tbody", {}, ...lines),
    );
  }

  /**
   * @param {string} caption
   * @param {(number | string)[][]} matrix
   * @param {Scale} scale
   */
  fill(caption, matrix, scale) {
    write(this.caption, caption);
    matrix.flat().forEach((value, i) => {
      write(this.cells[i], show(numberOf(value)));
      paintCell(this.cells[i], numberOf(value), scale);
    });
  }

  /**
   * Says of each tap where it lies, which are in the padding, and which counts most.
   * @param {any} window  of a step's record
   * @param {Place | null} follows
   */
  mark(window, follows) {
    this.columns.forEach((head, i) => write(head, String(window.columns[i])));
    this.rows.forEach((head, i) => write(head, String(window.rows[i])));
    const padding = window.padding.flat();
    const isHere = follows?.[2] === window.channel;
    this.cells.forEach((cell, i) => {
      const [row, column] = [Math.floor(i / this.width), i % this.width];
      const isMost = isHere && follows?.[0] === window.rows[row] && follows?.[1] === window.columns[column];
      cell.className = `${padding[i] ? "padded" : ""} ${isMost ? "most" : ""}`.trim();
      if (padding[i]) write(cell, `(${cell.textContent})`);
    });
  }
}

/** Tables by their place in what is shown, so that those that stay are not made again. */
class TablePool {
  constructor() {
    /** @type {Map<string, NumbersTable>} */
    this.tables = new Map();
  }

  /**
   * The table of a place.
   * @param {string} key
   * @param {number} height
   * @param {number} width
   * @param {boolean} [hasHeads]
   */
  get(key, height, width, hasHeads = false) {
    const known = this.tables.get(key);
    if (known && known.height === height && known.width === width) return known;
    const fresh = new NumbersTable(height, width, hasHeads);
    this.tables.set(key, fresh);
    return fresh;
  }
}

/**
 * Gives an element a text, if it has another.
 * @param {Element} target
 * @param {string} text
 */
function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * A scale around 0 that reaches as far as some numbers.
 * @param {(number | string)[]} values
 * @returns {Scale}
 */
function scaleAround(values) {
  let largest = 0;
  for (const value of values) {
    const size = Math.abs(numberOf(value));
    if (size > largest && size < Infinity) largest = size;
  }
  return { signed: true, low: -largest || -1, high: largest || 1 };
}
