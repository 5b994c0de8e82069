// @ts-check
// The delta of the value that is looked at, and how it came, while a loss is.

/** How the loss changes with the value that is looked at: nothing while no loss is looked at. */
class DeltaBox {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Maps | null} whose picture there is */
    this.painted = null;
    this.look = ""; // what of it, and how
    this.frame = new Frame("here");
    this.caption = element("figcaption", { className: "soft small" });
    this.figure = element("figure", {}, this.caption, this.frame.element);
    this.title = element("h3", {});
    this.lines = element("div", { className: "step" });
    const both = element("div", { className: "delta" }, this.lines, this.figure);
    this.element = element("div", { className: "work", hidden: true }, this.title, both);
    const update = () => this.#update();
    model.addEventListener("selected", () => backward.backed && update());
    backward.addEventListener("told", update);
    darkness.addEventListener("change", update);
  }

  #update() {
    const { selection } = this.model;
    const { backed } = backward;
    this.element.hidden = !backed || !selection;
    if (!backed || !selection) return;
    const { stage, at } = selection;
    const place = element("span", { className: "soft" }, `of ${placeText(at)}: how the loss changes with it`);
    this.title.replaceChildren("Delta ", place);
    this.lines.replaceChildren(...deltaLines(this.model, backed, stage, at));
    const deltas = backed.deltas[stage];
    this.figure.hidden = deltas === null;
    if (deltas) this.#paint(deltas, at);
  }

  /** @param {Maps} deltas @param {Place} at */
  #paint(deltas, at) {
    const map = at[2] ?? 0;
    const look = `${map} ${isDarkNow()}`;
    if (deltas !== this.painted || look !== this.look) {
      [this.painted, this.look] = [deltas, look];
      const [low, high] = rangeOf(deltas);
      const most = Math.max(-low, high) || 1;
      this.frame.paint(gridOf(deltas, map), { signed: true, low: -most, high: most }, LARGE);
      const what = deltas.shape.length === 1 ? "all deltas" : `deltas of map ${map}`;
      write(this.caption, `${what}; the largest of the stage is ${show(valueAt(deltas, largestPlace(deltas)))}`);
    }
    const here = at.map((index) => [index, index]);
    this.frame.outline("here", partOf(deltas.shape, here));
  }
}

/**
 * How a delta came: from the loss itself, or from the deltas of what sees the value.
 * @param {Model} model
 * @param {Backed} backed
 * @param {number} number
 * @param {Place} at
 */
function deltaLines(model, backed, number, at) {
  const { worked, last, deltas } = backed;
  const delta = deltas[number];
  if (number > last) {
    const { after } = LOSSES[worked.name];
    return [note(`${worked.name} takes the place of ${after}: the deltas begin with what that reads.`)];
  }
  if (!delta) return [note("The result does not depend on this stage.")];
  const value = valueAt(delta, at);
  if (number === last) {
    const { results, targets, name } = worked;
    const { delta: formula, written } = LOSSES[name];
    return [equation(formula, written(results[at[0]], targets[at[0]], results.length, sumOf(targets)), value)];
  }
  const parts = partsOfDelta(model, backed, number, at);
  const sums = parts.map((part) => sumOf(part.terms.map((term) => term.delta * term.slope)));
  return [
    ...parts.flatMap((part, i) => deltaPart(model, part, sums[i])),
    ...(parts.length > 1 ? [equation("sum", showSum(sums), value)] : []),
  ];
}

/**
 * What comes back from one stage that sees the value.
 * @param {Model} model
 * @param {ReturnType<typeof partsOfDelta>[number]} part
 * @param {number} sum
 */
function deltaPart(model, { number, terms: all }, sum) {
  const word = kindOf(model.stages[number - 1]).weights ? "weight" : "slope";
  const products = all.map(({ delta, slope }) => delta * slope);
  const chosen = placesOfLargest(products, MOST_TERMS);
  const rows = chosen.map((i) => [all[i].at.join(","), all[i].delta, all[i].slope, products[i]]);
  const what = all.length > chosen.length ? `the ${chosen.length} largest of ${all.length} products` : "products";
  const title = element("h4", {}, `from ${stageTitle(model, number)}: sum(delta * ${word})`);
  if (!all.length) return [title, fact("", "none of its values sees this one: ", element("strong", {}, "0"))];
  if (all.length === 1) return [title, equation(`place ${all[0].at}`, showProduct([all[0].delta, all[0].slope]), sum)];
  const heads = ["place", "delta", word, "product"];
  const table = wideTable("products", terms(`${what}, by the place of its values`, heads, rows));
  return [title, table, sumLine("sum", products, sum, `sum of ${all.length} products`)];
}
