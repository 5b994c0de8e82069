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
   * @param {string} caption
   * @param {number} height
   * @param {number} width
   * @param {boolean} [hasHeads]
   */
  constructor(caption, height, width, hasHeads = false) {
    const heads = (/** @type {number} */ count, /** @type {string} */ scope) =>
      Array.from({ length: hasHeads ? count : 0 }, () => element("th", { scope }));
    this.width = width;
    /** @type {string[]} */
    this.texts = [];
    /** @type {string[]} */
    this.looks = [];
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
      element("caption", {}, caption),
      element("tbody", {}, ...lines),
    );
  }

  /**
   * Shows a matrix, and of a window where its taps lie, which are in the padding, and which counts most.
   * @param {(number | string)[][]} matrix
   * @param {Scale} scale
   * @param {any} [window]  of a step's record
   * @param {Place | null} [follows]
   */
  fill(matrix, scale, window, follows) {
    if (window) {
      this.columns.forEach((head, i) => write(head, String(window.columns[i])));
      this.rows.forEach((head, i) => write(head, String(window.rows[i])));
    }
    const most = window && follows?.[2] === window.channel ? follows : null;
    matrix.forEach((line, row) =>
      line.forEach((value, column) => {
        const isPadded = window?.padding[row][column];
        const isMost = most?.[0] === window?.rows[row] && most?.[1] === window?.columns[column];
        const text = show(numberOf(value));
        const colour = isPadded && numberOf(value) === -Infinity ? null : colourOf(numberOf(value), scale); // a pool's padding
        this.#cell(row * this.width + column, isPadded ? `(${text})` : text, colour, [
          isPadded ? "padded" : "",
          most && isMost ? "most" : "",
        ]);
      }),
    );
  }

  /**
   * Shows one number, as far as it is not shown.
   * @param {number} i
   * @param {string} text
   * @param {number[] | null} colour
   * @param {string[]} names
   */
  #cell(i, text, colour, names) {
    const [cell, look] = [this.cells[i], `${colour?.join(" ")} ${names.join(" ")}`];
    if (this.texts[i] !== text) cell.textContent = text;
    if (this.looks[i] !== look) {
      cell.className = names.join(" ").trim();
      colourCell(cell, colour);
    }
    this.texts[i] = text;
    this.looks[i] = look;
  }
}

/** A window, its kernel and their products side by side. */
class Multiplication {
  /** @param {number} height @param {number} width */
  constructor(height, width) {
    this.window = new NumbersTable("window", height, width, true);
    this.kernel = new NumbersTable("kernel", height, width);
    this.products = new NumbersTable("products", height, width);
    const parts = [this.window.element, factor("*", this.kernel.element), factor("=", this.products.element)];
    this.element = beside(width, ...parts);
  }
}

/**
 * A row of tables, which on a phone can be moved sideways where a table is wide.
 * @param {number} width  columns
 * @param {...HTMLElement} parts
 */
function beside(width, ...parts) {
  const ways = width > 3 ? { tabIndex: 0, role: "group", "aria-label": "numbers" } : {};
  return element("div", { className: "beside", ...ways }, ...parts);
}

/**
 * What is wide, which on a phone can be moved sideways.
 * @param {string} label
 * @param {HTMLElement} table
 */
function wideTable(label, table) {
  return element("div", { className: "wide", tabIndex: 0, role: "region", "aria-label": label }, table);
}

/** What is shown again and again, by its place: as the window moves, only what changes is made or moved anew. */
class Kept {
  constructor() {
    /** @type {Map<string, any>} */
    this.made = new Map();
  }

  /**
   * What was made for a place and a size.
   * @template Made
   * @param {string} key
   * @param {() => Made} make
   * @returns {Made}
   */
  get(key, make) {
    if (!this.made.has(key)) this.made.set(key, make());
    return this.made.get(key);
  }

  /**
   * The box of a place, with what is in it now.
   * @param {string} key
   * @param {string} className
   * @param {...Node} nodes
   */
  box(key, className, ...nodes) {
    const box = this.get(`${key} ${className}`, () => element("div", { className }));
    arrange(box, nodes);
    return box;
  }
}

/**
 * Gives an element some children; those that stay where they are are not touched.
 * @param {Element} parent
 * @param {Node[]} nodes
 */
function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  nodes.forEach((node, i) => {
    const old = parent.childNodes[i];
    if (old === node) return;
    if (old && !wanted.has(old)) parent.replaceChild(node, old);
    else parent.insertBefore(node, old ?? null);
  });
  while (parent.childNodes.length > nodes.length) parent.lastChild?.remove();
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
