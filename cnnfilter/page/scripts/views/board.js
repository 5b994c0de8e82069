// @ts-check
// The map that is looked at, over which a window is moved by mouse, finger and keys.

/** Rows or columns that an arrow key moves by with Shift. */
const LEAP = 10;

/** Keys that move, as rows and columns. */
const MOVES = /** @type {Record<string, [number, number]>} */ ({
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
});

class Board {
  /**
   * @param {Model} model
   * @param {Player} player
   * @param {string} help  the id of the text that says how it is used
   */
  constructor(model, player, help) {
    this.model = model;
    this.player = player;
    this.frame = new Frame("here");
    this.element = element(
      "div",
      { className: "board", tabIndex: 0, role: "application", "aria-roledescription": "map", "aria-describedby": help },
      this.frame.element,
    );
    this.element.addEventListener("pointermove", (event) => this.#hover(event));
    this.element.addEventListener("pointerdown", (event) => this.#hover(event));
    this.element.addEventListener("click", (event) => this.#click(event));
    this.element.addEventListener("keydown", (event) => this.#press(event));
  }

  /**
   * The place under a pointer; null where a vector's last row has no number.
   * @param {MouseEvent} event
   * @returns {Place | null}
   */
  #under(event) {
    const { selection } = this.model;
    if (!selection) return null;
    const [row, column] = this.frame.under(event);
    const shape = shapeOf(this.model, selection.stage);
    if (shape.length > 1) return [Math.min(row, shape[0] - 1), Math.min(column, shape[1] - 1), selection.at[2]];
    const index = row * this.frame.width + column;
    return index < shape[0] ? [index] : null;
  }

  /** @param {PointerEvent} event */
  #hover(event) {
    const { selection } = this.model;
    const at = this.#under(event);
    if (!at || !selection || (selection.pinned && event.pointerType === "mouse")) return;
    if (this.player.isPlaying) this.player.stop();
    if (!isSame(at, selection.at)) selectAt(this.model, selection.stage, at);
  }

  /** Pins the place, or lets go of it if it is pinned. @param {MouseEvent} event */
  #click(event) {
    const { selection } = this.model;
    const at = this.#under(event);
    if (at && selection) selectAt(this.model, selection.stage, at, !(selection.pinned && isSame(at, selection.at)));
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const { selection } = this.model;
    if (!selection || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in MOVES) {
      const [down, right] = MOVES[event.key];
      const leap = event.shiftKey ? LEAP : 1;
      this.player.stop();
      selectAt(this.model, selection.stage, this.#moved(selection.at, down * leap, right * leap));
    } else if (event.key === "PageUp" || event.key === "PageDown") this.#otherMap(event.key === "PageUp" ? -1 : 1);
    else if (event.key === " ") this.player.toggle();
    else if (event.key === "Enter") selectAt(this.model, selection.stage, selection.at, !selection.pinned);
    else if (event.key === "Escape") selectAt(this.model, selection.stage, selection.at, false);
    else return;
    event.preventDefault();
  }

  /**
   * A place so many rows and columns further, inside.
   * @param {Place} at
   * @param {number} down
   * @param {number} right
   * @returns {Place}
   */
  #moved(at, down, right) {
    const shape = shapeOf(this.model, /** @type {Chosen} */ (this.model.selection).stage);
    // what the frame shows may be smaller or larger while another is computed
    const [height, width] = shape.length > 1 ? shape : [this.frame.height, this.frame.width];
    const [row, column] = shape.length > 1 ? at : spotInVector(shape[0], at[0]);
    const inside = (/** @type {number} */ index, /** @type {number} */ size) => Math.min(size - 1, Math.max(0, index));
    const spot = [inside(row + down, height), inside(column + right, width)];
    return shape.length > 1 ? [spot[0], spot[1], at[2]] : [Math.min(shape[0] - 1, spot[0] * width + spot[1])];
  }

  /** Goes to another map of the stage. @param {number} step */
  #otherMap(step) {
    const { stage, at } = /** @type {Chosen} */ (this.model.selection);
    const shape = shapeOf(this.model, stage);
    if (shape.length > 1)
      selectAt(this.model, stage, [at[0], at[1], Math.min(shape[2] - 1, Math.max(0, at[2] + step))]);
  }
}

/**
 * The place after one along the rows of a result, the first after the last.
 * @param {Shape} shape
 * @param {Place} at
 * @returns {Place}
 */
function placeAfter(shape, at) {
  if (shape.length === 1) return [(at[0] + 1) % shape[0]];
  const next = (at[0] * shape[1] + at[1] + 1) % (shape[0] * shape[1]);
  return [Math.floor(next / shape[1]), next % shape[1], at[2]];
}

/** Whether two places are the same. @param {Place} one @param {Place} other */
function isSame(one, other) {
  return one.length === other.length && one.every((index, i) => index === other[i]);
}
