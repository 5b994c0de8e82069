// @ts-check
// The field that finds a stage by its number, its name or a part of its text.

class StageSearch {
  /** @param {Overview} overview */
  constructor(overview) {
    this.overview = overview;
    this.at = -1;
    this.input = element("input", {
      type: "search",
      id: "stage-search",
      placeholder: "conv, 12, layer1 ...",
      autocomplete: "off",
      spellcheck: false,
    });
    this.told = element("span", { className: "soft small", role: "status" });
    this.element = element(
      "form",
      { className: "field stage-search no-print", role: "search" },
      element("label", { htmlFor: "stage-search" }, "Find a stage"),
      this.input,
      this.told,
    );
    this.input.addEventListener("input", () => this.#find(0));
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#find(this.at + 1);
    });
  }

  /** Goes to a stage that is found, from one on, around the end. @param {number} from  which of those that are found */
  #find(from) {
    const wanted = this.input.value.trim().toLowerCase();
    const { cards, model } = this.overview;
    const found = wanted ? cards.filter((card) => card.number && isWanted(model, card.number, wanted)) : [];
    for (const card of cards) card.element.classList.toggle("missed", found.length > 0 && !found.includes(card));
    for (const card of cards) card.element.classList.remove("found");
    this.at = found.length ? from % found.length : -1;
    write(this.told, !wanted ? "" : found.length ? `${this.at + 1} of ${found.length}` : "none");
    if (this.at < 0) return;
    found[this.at].element.classList.add("found");
    this.overview.scrollTo(found[this.at].number);
  }
}

/** Whether a stage is one that is looked for. @param {Model} model @param {number} number @param {string} wanted */
function isWanted(model, number, wanted) {
  if (/^\d+$/.test(wanted)) return number === Number(wanted);
  const stage = model.stages[number - 1];
  return [stage.kind, stage.name ?? "", kindOf(stage).text(stage)].some((text) => text.toLowerCase().includes(wanted));
}
