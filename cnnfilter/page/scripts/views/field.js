// @ts-check
// The receptive field of a value on the picture, and the way back to it through the stages.

/**
 * The receptive field of the value that is looked at.
 * @param {Model} model
 * @returns {HTMLElement}
 */
function fieldView(model) {
  return new FieldView(model).element;
}

/** Milliseconds of following a value back, of which a frame has 16, that are long. */
const LONG = 6;
/** Milliseconds from one value to the next, of one that is moving. */
const MOVING = 100;

class FieldView {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.waiting = 0;
    this.cost = 0;
    this.moved = -Infinity;
    this.frame = new Frame("field", "most");
    this.facts = element("dl", { className: "facts" });
    this.way = element("ol", { className: "way" });
    /** @type {{at: Place, number: number, text: string}[]} the way that was last begun, the picture's value last */
    this.trail = [];
    this.follow = element(
      "button",
      { type: "button", className: "button primary no-print" },
      "Follow what counts most",
    );
    this.follow.addEventListener("click", () => this.#follow());
    /** @type {{maps: Maps, isDark: boolean} | null} */
    this.painted = null;
    this.picture = element("figure", { className: "picture" }, this.frame.element);
    this.element = element(
      "section",
      { className: "panel field-view", "aria-label": "Receptive field" },
      element("h2", {}, "Receptive field"),
      this.picture,
      this.facts,
      element("h3", {}, "The way back"),
      element(
        "p",
        { className: "soft small" },
        "From the value to what counts most in it: the largest of a pool, the largest product of a convolution.",
      ),
      this.way,
      this.follow,
    );
    model.addEventListener("selected", () => this.#selected());
    model.addEventListener("changed", () => {
      this.trail = []; // before anything else is looked at
    });
    model.addEventListener("computed", () => this.#update());
    darkness.addEventListener("change", () => this.#update());
    this.#update();
  }

  /** Follows the value at once, or where that takes long and the value is moving, when it has stopped for a moment. */
  #selected() {
    window.clearTimeout(this.waiting);
    const now = performance.now();
    const isMoving = now - this.moved < MOVING;
    this.moved = now;
    if (this.cost < LONG || !isMoving) this.#update();
    else this.waiting = window.setTimeout(() => this.#update(), MOVING);
  }

  #update() {
    const begun = performance.now();
    this.#show();
    this.cost = performance.now() - begun;
  }

  #show() {
    const { model } = this;
    const { selection } = model;
    this.element.hidden = !selection || !model.results[selection.stage];
    if (!selection || !model.results[selection.stage]) return;
    this.#paint();
    const record = /** @type {Record<string, any>} */ (model.explain());
    const seen = record.receptive_field;
    const isSeen = seen.size[0] > 0;
    this.frame.outline("field", isSeen ? { rows: seen.rows, columns: seen.columns } : null);
    const last = record.steps[record.steps.length - 1];
    const end = this.#readsPicture(last) ? last.follows : null;
    this.frame.outline("most", end && { rows: [end[0], end[0]], columns: [end[1], end[1]] });
    this.#facts(seen);
    const { activeElement } = document;
    const isHere = activeElement === this.follow || this.way.contains(activeElement);
    this.follow.disabled = record.steps.length < 2;
    this.#way(record, end);
    if (isHere && (this.follow.disabled || activeElement !== this.follow)) this.#focus();
  }

  /** Gives the focus to the value's place on the way: what had it is gone, or can no longer have it. */
  #focus() {
    /** @type {HTMLElement | null} */ (this.way.querySelector("[aria-current]"))?.focus();
  }

  #paint() {
    const maps = this.model.results[0];
    const isDark = isDarkNow();
    if (!maps || (this.painted?.maps === maps && this.painted.isDark === isDark)) return;
    this.painted = { maps, isDark };
    const scale = coloursFor(this.model, 0);
    if (maps.shape[2] === 3 && !scale.signed) this.frame.paintColours(maps, scale, LARGE);
    else this.frame.paint(gridOf(maps, 0), scale, LARGE);
  }

  /** @param {any} seen */
  #facts(seen) {
    const count = seen.size[0] * seen.size[1];
    const pairs = count
      ? [
          ["size", seen.size.join("x")],
          [
            "where",
            `${spanText("row", seen.rows[0], seen.rows[1])}, ${spanText("column", seen.columns[0], seen.columns[1])}`,
          ],
          ["in the padding", `${seen.in_padding || "none"} of ${count.toLocaleString("en")}`],
        ]
      : [["size", "none: all lies in the padding"]];
    this.facts.replaceChildren(...pairs.flatMap(([term, text]) => [element("dt", {}, term), element("dd", {}, text)]));
  }

  /** Whether what a step follows is a value of the picture. @param {any} step */
  #readsPicture(step) {
    return this.model.stages[step.number - 1].reads[step.source ?? 0] === 0;
  }

  /**
   * Shows the way; one that was begun further on stays, as long as what is looked at is on it.
   * @param {any} record
   * @param {Place | null} end
   */
  #way(record, end) {
    const { stage, at } = /** @type {Chosen} */ (this.model.selection);
    if (!this.trail.some((each) => each.number === stage && isSame(each.at, at))) {
      this.trail = record.steps.map((/** @type {any} */ step) => ({
        number: step.number,
        at: step.at,
        text: shown(step.value),
      }));
      const maps = this.model.results[0];
      if (end && maps)
        this.trail.push({
          number: 0,
          at: end,
          text: show(maps.values[(end[2] * maps.shape[0] + end[0]) * maps.shape[1] + end[1]]),
        });
    }
    const items = this.trail.map((each) => this.#item(each, each.number === stage && isSame(each.at, at)));
    this.way.replaceChildren(...items);
  }

  /** @param {{at: Place, number: number, text: string}} each @param {boolean} isHere */
  #item({ number, at, text }, isHere) {
    const parts = [
      element(
        "span",
        { className: "way-stage" },
        number ? `${number} ${this.model.stages[number - 1].kind}` : "picture",
      ),
      element("span", { className: "way-place soft" }, placeText(at)),
      element("span", { className: "way-value answer" }, text),
    ];
    if (!number) return element("li", {}, element("span", { className: "way-row" }, ...parts));
    const button = element(
      "button",
      { type: "button", className: "way-row", ...(isHere ? { "aria-current": "step" } : {}) },
      ...parts,
    );
    button.addEventListener("click", () => selectAt(this.model, number, at, true));
    return element("li", {}, button);
  }

  #follow() {
    const next = this.model.follow();
    if (next?.stage) selectAt(this.model, next.stage, next.at, true);
  }
}
