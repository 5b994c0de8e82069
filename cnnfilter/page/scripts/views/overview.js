// @ts-check
// The stages from left to right, each with its maps, its sizes and its figures.

/** Maps of a stage that are seen before the rest is asked for. */
const FEW_MAPS = 4;
/** Maps of a stage that are drawn at most. */
const MOST_MAPS = 1024;
/** Pixels of a thumbnail's canvas along its longer side. */
const THUMBNAIL = 160;

/**
 * The overview of a network.
 * @param {Model} model
 * @returns {HTMLElement}
 */
function overviewView(model) {
  return new Overview(model).element;
}

const isStill = window.matchMedia("(prefers-reduced-motion: reduce)");

class Overview {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Card[]} */
    this.cards = [];
    /** @type {number | null} the stage that was looked at last */
    this.stage = null;
    this.rail = element("div", { className: "rail-holder" });
    this.list = element("ol", { className: "stages" });
    this.list.style.setProperty("--column", `${COLUMN}px`);
    this.list.style.setProperty("--column-gap", `${COLUMN_GAP}px`);
    this.totals = element("p", { className: "soft small totals" });
    this.scroller = element(
      "div",
      { className: "track", tabIndex: 0, role: "region", "aria-label": "Stages" },
      this.rail,
      this.list,
    );
    this.seen = new IntersectionObserver((entries) => this.#reveal(entries), {
      root: this.scroller,
      rootMargin: "200px",
    });
    this.search = new StageSearch(this);
    const head = element(
      "div",
      { className: "overview-head" },
      element("h2", {}, "Overview"),
      this.totals,
      this.search.element,
    );
    this.element = element("section", { className: "overview", "aria-label": "Overview" }, head, this.scroller);
    model.addEventListener("computed", () => this.#computed());
    model.addEventListener("selected", () => this.#selected());
    darkness.addEventListener("change", () => this.#computed());
    window.addEventListener("beforeprint", () => this.cards.forEach((card) => card.paint()));
    this.#computed();
  }

  /** Shows the network as it is now: cards of stages that are as they were are kept. */
  #computed() {
    const { model } = this;
    const count = model.stages.length + 1;
    while (this.cards.length > count) {
      const { element: gone } = /** @type {Card} */ (this.cards.pop());
      this.seen.unobserve(gone);
      gone.remove();
    }
    while (this.cards.length < count) {
      const card = new Card(model, this.cards.length);
      this.cards.push(card);
      this.list.append(card.element);
      this.seen.observe(card.element);
    }
    this.rail.replaceChildren(rail(model.stages));
    for (const card of this.cards) card.update();
    write(this.totals, totalsText(model));
    this.#selected();
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #reveal(entries) {
    for (const { target, isIntersecting } of entries) {
      const card = this.cards.find((each) => each.element === target);
      if (card) card.isSeen = isIntersecting;
      if (card && isIntersecting) card.paint();
    }
  }

  #selected() {
    const { selection } = this.model;
    if (selection && this.stage !== null && this.stage !== selection.stage) this.#reach(selection.stage);
    this.stage = selection ? selection.stage : null;
    const blocks = selection ? wayBack(this.model, selection.stage, selection.at) : new Map();
    for (const card of this.cards) card.mark(selection, blocks.get(card.number) ?? null);
    for (const edge of this.rail.querySelectorAll("[data-edge]")) {
      const [from, to] = (edge.getAttribute("data-edge") ?? "").split("-").map(Number);
      edge.classList.toggle("on-way", blocks.has(from) && blocks.has(to));
    }
    for (const dot of this.rail.querySelectorAll("[data-dot]")) {
      dot.classList.toggle("on-way", blocks.has(Number(dot.getAttribute("data-dot"))));
    }
  }

  /** Brings a stage into view if it is not in it. @param {number} number */
  #reach(number) {
    const left = number * (COLUMN + COLUMN_GAP) - this.scroller.scrollLeft;
    if (left < 0 || left + COLUMN > this.scroller.clientWidth) this.scrollTo(number);
  }

  /** Brings a stage into the middle. @param {number} number */
  scrollTo(number) {
    const left = number * (COLUMN + COLUMN_GAP) - (this.scroller.clientWidth - COLUMN) / 2;
    this.scroller.scrollTo({ left, behavior: isStill.matches ? "auto" : "smooth" });
  }
}

/** The network's sums, in a line. @param {Model} model */
function totalsText(model) {
  const sum = (/** @type {"parameters" | "macs"} */ key) =>
    model.figures.reduce((total, each) => total + (each ? each[key] : 0), 0).toLocaleString("en");
  const count = model.stages.length;
  return `${count} ${count === 1 ? "stage" : "stages"}, ${sum("parameters")} parameters, ${sum("macs")} multiply-adds`;
}
