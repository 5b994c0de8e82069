// @ts-check
// One stage of the overview: its name, its maps as thumbnails or its vector as bars, and its figures.

/** The kinds of stages whose three maps are the colours of a picture. */
const COLOURED = new Set(["rgb", "resize", "crop"]);

class Card {
  /**
   * @param {Model} model
   * @param {number} number  0 is the picture
   */
  constructor(model, number) {
    this.model = model;
    this.number = number;
    this.isSeen = false;
    this.isOpen = false;
    /** @type {Thumbnail[]} */
    this.thumbnails = [];
    /** @type {Maps | null} what is painted */
    this.painted = null;
    /** How it is painted: colours, the dark, and whether all maps are shown. */
    this.look = "";
    /** @type {Block | null} what of it the value that is looked at depends on */
    this.block = null;
    this.title = element("button", { type: "button", className: "stage-name" });
    this.title.addEventListener("click", () => this.#choose(0));
    this.text = element("p", { className: "stage-text mono" });
    this.size = element("p", { className: "stage-size" });
    this.maps = element("div", { className: "maps", role: "group" });
    this.maps.addEventListener("keydown", (event) => this.#move(event));
    this.fold = element("button", { type: "button", className: "button quiet fold", hidden: true });
    this.fold.addEventListener("click", () => {
      this.isOpen = !this.isOpen;
      this.update();
    });
    this.arithmetic = element("p", { className: "arithmetic" });
    this.facts = element("dl", { className: "facts" });
    this.mistake = element("p", { className: "mistake", hidden: true });
    this.element = element(
      "li",
      { className: "stage", "data-stage": String(number) },
      element("h3", {}, this.title),
      this.text,
      this.size,
      this.maps,
      this.fold,
      this.mistake,
      this.arithmetic,
      this.facts,
    );
  }

  /** Shows the stage as it is now. */
  update() {
    const { model, number } = this;
    const stage = number ? model.stages[number - 1] : null;
    const shape = model.shapes[number];
    const mistake = number ? (model.mistakes[number] ?? null) : null;
    write(this.title, stage ? `${number} ${stage.kind}` : "picture");
    write(this.text, stage ? cardText(model, number) : "");
    write(this.size, shape ? shape.join("x") : "");
    this.mistake.hidden = mistake === null;
    write(this.mistake, mistake ?? "");
    this.element.classList.toggle("wrong", mistake !== null);
    write(this.arithmetic, (number && model.figures[number]?.arithmetic) || "");
    this.facts.replaceChildren(...factsOf(model, number));
    this.#fold(shape);
    this.block = null; // of the network as it was; `mark` is told the present one
    if (this.isSeen) this.paint();
  }

  /** Says how many maps or numbers are not shown. @param {Shape | null} shape */
  #fold(shape) {
    const word = shape?.length === 1 ? "number" : "map";
    const count = shape ? Math.min(shape[shape.length - 1], MOST_MAPS) : 0;
    const rest = count - (word === "map" ? FEW_MAPS : FEW_BARS);
    this.fold.hidden = rest <= 0;
    write(this.fold, this.isOpen ? "show fewer" : `${rest} more ${rest === 1 ? word : `${word}s`}`);
    this.fold.setAttribute("aria-expanded", String(this.isOpen));
    this.element.classList.toggle("open", this.isOpen && rest > 0);
    this.maps.setAttribute("aria-label", `${word}s of ${this.number ? `stage ${this.number}` : "the picture"}`);
  }

  /** Draws what has changed since it was last drawn. */
  paint() {
    const maps = this.model.results[this.number] ?? null;
    const look = JSON.stringify([coloursFor(this.model, this.number), isDarkNow(), this.isOpen]);
    if (maps === this.painted && look === this.look) return;
    this.painted = maps;
    this.look = look;
    const isVector = maps?.shape.length === 1;
    const count = maps ? maps.shape[maps.shape.length - 1] : 0;
    const shown = Math.min(count, this.isOpen ? MOST_MAPS : isVector ? FEW_BARS : FEW_MAPS);
    if (!maps) this.maps.replaceChildren();
    else if (isVector) this.#bars(maps, shown);
    else this.#thumbnails(maps, shown);
    this.mark(this.model.selection, this.block);
  }

  /** @param {Maps} maps @param {number} shown */
  #thumbnails(maps, shown) {
    const scale = coloursFor(this.model, this.number);
    const isColoured =
      maps.shape[2] === 3 && !scale.signed && (!this.number || COLOURED.has(this.model.stages[this.number - 1].kind));
    const wanted = shown + (isColoured ? 1 : 0);
    while (this.thumbnails.length < wanted) this.thumbnails.push(new Thumbnail((map) => this.#choose(map)));
    this.thumbnails.length = wanted;
    this.thumbnails.forEach((thumbnail, i) => {
      const map = isColoured ? i - 1 : i;
      thumbnail.show(maps, map, scale, this.number);
    });
    this.maps.replaceChildren(...this.thumbnails.map((each) => each.element));
    this.maps.classList.toggle("single", wanted === 1);
  }

  /** @param {Maps} maps @param {number} shown */
  #bars(maps, shown) {
    const { kind } = this.model.stages[this.number - 1];
    const labels = labelsOf(this.model, this.number);
    this.thumbnails = [];
    const choose = (/** @type {number} */ index) => selectAt(this.model, this.number, [index]);
    this.maps.replaceChildren(bars(maps.values, { labels, isShare: kind === "softmax", count: shown, choose }));
    this.maps.classList.add("single");
  }

  /** Goes to a map of the stage, where the value was that is looked at. @param {number} map */
  #choose(map) {
    if (!this.number) return;
    const shape = this.model.shapes[this.number];
    if (shape) selectAt(this.model, this.number, sameSpot(this.model, shape, map));
  }

  /** Moves the focus among the maps by the arrow keys. @param {KeyboardEvent} event */
  #move(event) {
    const buttons = /** @type {HTMLElement[]} */ ([...this.maps.querySelectorAll("button")]);
    const at = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const steps = /** @type {Record<string, number>} */ ({
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: this.thumbnails.length ? -2 : -1,
      ArrowDown: this.thumbnails.length ? 2 : 1,
    });
    if (at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const next = buttons[at + steps[event.key]];
    if (!next) return;
    buttons[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  /**
   * Marks the value that is looked at, and what it depends on.
   * @param {Model["selection"]} selection
   * @param {Block | null} block
   */
  mark(selection, block) {
    this.block = block;
    const isHere = selection?.stage === this.number;
    this.element.classList.toggle("selected", isHere);
    this.element.classList.toggle("on-way", block !== null && !isHere);
    if (!this.painted || this.painted !== this.model.results[this.number]) return; // or it is painted anew first
    const shape = this.painted.shape;
    const part = block && partOf(shape, block);
    for (const thumbnail of this.thumbnails) {
      const isIn =
        block !== null && (thumbnail.map < 0 || (block[2][0] <= thumbnail.map && thumbnail.map <= block[2][1]));
      thumbnail.mark(isIn ? part : null, isHere && isIn);
    }
    const chosen = isHere && selection ? selection.at : null;
    const buttons = /** @type {HTMLElement[]} */ ([...this.maps.querySelectorAll("button")]);
    buttons.forEach((button, i) => {
      const index = Number(button.dataset.index ?? button.dataset.map);
      const isChosen = chosen !== null && index === chosen[chosen.length - 1];
      button.setAttribute("aria-pressed", String(isChosen));
      button.tabIndex = isChosen || (i === 0 && !isHere) ? 0 : -1;
    });
    if (buttons.length && !buttons.some((button) => button.tabIndex === 0)) buttons[0].tabIndex = 0;
  }
}

/** One map of a stage, small; -1 is that of all colours. */
class Thumbnail {
  /** @param {(map: number) => void} choose */
  constructor(choose) {
    this.map = -1;
    this.frame = new Frame("field");
    this.label = element("span", { className: "map-label" });
    this.element = element("span", { className: "thumbnail" }, this.frame.element, this.label);
    this.choose = choose;
  }

  /**
   * @param {Maps} maps
   * @param {number} map
   * @param {Scale} scale
   * @param {number} number  the stage's
   */
  show(maps, map, scale, number) {
    const isButton = map >= 0 && number > 0;
    if (isButton !== (this.element.tagName === "BUTTON")) {
      this.element = element(
        isButton ? "button" : "span",
        { className: "thumbnail", ...(isButton ? { type: "button" } : {}) },
        this.frame.element,
        this.label,
      );
      if (isButton) this.element.addEventListener("click", () => this.choose(this.map));
    }
    this.map = map;
    this.element.dataset.map = String(map);
    write(this.label, map < 0 ? "colours" : `map ${map}`);
    if (map < 0) this.frame.paintColours(maps, scale, THUMBNAIL);
    else this.frame.paint(gridOf(maps, map), scale, THUMBNAIL);
  }

  /** @param {{rows: number[], columns: number[]} | null} part @param {boolean} isChosen */
  mark(part, isChosen) {
    this.frame.outline("field", part);
    this.element.classList.toggle("chosen", isChosen);
  }
}
