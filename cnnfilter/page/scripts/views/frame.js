// @ts-check
// A map on a canvas, with outlines of windows and values laid over it.

/** Outlines are at least so many pixels wide and high, however small what they are around is drawn. */
const LEAST_OUTLINE = 7;

/** A map is drawn at most so many times as high as the width that it has; a higher one becomes narrower. */
const HIGHEST = 2;

/** The shorter side of a map is drawn as at least this share of its longer side, or it could not be pointed at. */
const THINNEST = 1 / 24;

/** A map as it is drawn large, or as a thumbnail. */
class Frame {
  /** @param {...string} outlines  a class for each outline that can be laid over the map */
  constructor(...outlines) {
    this.canvas = element("canvas", { "aria-hidden": "true" });
    /** @type {Map<string, HTMLElement>} */
    this.outlines = new Map(
      outlines.map((name) => [name, element("span", { className: `outline ${name}`, hidden: true })]),
    );
    this.element = element("span", { className: "frame" }, this.canvas, ...this.outlines.values());
    this.height = this.width = 1;
  }

  /**
   * Shows a map.
   * @param {Grid} grid
   * @param {Scale} scale
   * @param {number} most  pixels of the canvas along its longer side
   */
  paint(grid, scale, most) {
    paint(this.canvas, grid, scale, most);
    this.fit(grid.height, grid.width, most);
  }

  /**
   * Shows three maps as colours.
   * @param {Maps} maps
   * @param {Scale} scale
   * @param {number} most
   */
  paintColours(maps, scale, most) {
    paintColours(this.canvas, maps, scale, most);
    this.fit(maps.shape[0], maps.shape[1], most);
  }

  /**
   * Has the proportions of a map, as far as it can be seen and fits the page with them; one that may be shown smaller
   * than it is is not drawn pixel by pixel.
   * @param {number} height
   * @param {number} width
   * @param {number} most
   */
  fit(height, width, most) {
    this.height = height;
    this.width = width;
    const [high, wide] = [Math.max(height, width * THINNEST), Math.max(width, height * THINNEST)];
    this.element.style.aspectRatio = `${wide} / ${high}`;
    this.element.style.width = high > HIGHEST * wide ? `${(100 * HIGHEST * wide) / high}%` : "";
    this.element.classList.toggle("smooth", Math.max(height, width) > most / 2);
  }

  /**
   * Lays an outline around a part of the map, as far as it lies in it; around none it is not seen.
   * @param {string} name
   * @param {{rows: number[], columns: number[]} | null} part  first and last
   */
  outline(name, part) {
    const outline = /** @type {HTMLElement} */ (this.outlines.get(name));
    const [top, bottom] = part ? [Math.max(0, part.rows[0]), Math.min(this.height - 1, part.rows[1])] : [0, -1];
    const [left, right] = part ? [Math.max(0, part.columns[0]), Math.min(this.width - 1, part.columns[1])] : [0, -1];
    outline.hidden = bottom < top || right < left;
    if (outline.hidden) return;
    place(outline.style, "top", "height", top, bottom - top + 1, this.height);
    place(outline.style, "left", "width", left, right - left + 1, this.width);
  }

  /**
   * The row and the column of the map under the mouse or a finger.
   * @param {PointerEvent | MouseEvent} event
   * @returns {[number, number]}
   */
  under(event) {
    const box = this.canvas.getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.height);
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.width);
    return [Math.min(this.height - 1, Math.max(0, row)), Math.min(this.width - 1, Math.max(0, column))];
  }
}

/**
 * Places an outline along one axis, in shares of the map, around its middle where it would be too small to see.
 * @param {CSSStyleDeclaration} style
 * @param {"top" | "left"} begin
 * @param {"height" | "width"} size
 * @param {number} first
 * @param {number} count
 * @param {number} whole
 */
function place(style, begin, size, first, count, whole) {
  const share = (100 * count) / whole;
  const middle = (100 * (first + count / 2)) / whole;
  style[size] = `max(${share}%, ${LEAST_OUTLINE}px)`;
  style[begin] = `calc(${middle}% - max(${share / 2}%, ${LEAST_OUTLINE / 2}px))`;
}

/**
 * The row and the column in which a number of a vector is drawn.
 * @param {number} count
 * @param {number} index
 */
function spotInVector(count, index) {
  const columns = vectorColumns(count);
  return [Math.floor(index / columns), index % columns];
}

/**
 * What of a frame a block covers: of a vector, all rows that it touches, of one row only its part.
 * @param {Shape} shape
 * @param {Block} block
 */
function partOf(shape, block) {
  if (shape.length > 1) return { rows: block[0], columns: block[1] };
  const [first, last] = block[0].map((index) => spotInVector(shape[0], index));
  return {
    rows: [first[0], last[0]],
    columns: first[0] === last[0] ? [first[1], last[1]] : [0, vectorColumns(shape[0]) - 1],
  };
}
