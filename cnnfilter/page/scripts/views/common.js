// @ts-check
// What the views share: places, names of stages, figures, and what a screen reader is told.

/**
 * The size of a result that there is.
 * @param {Model} model
 * @param {number} number
 */
function shapeOf(model, number) {
  return /** @type {Shape} */ (model.shapes[number]);
}

/**
 * Goes to a value.
 * @param {Model} model
 * @param {number} number
 * @param {Place} at
 * @param {boolean} [pinned]  as it is, if left out
 */
function selectAt(model, number, at, pinned = model.selection?.pinned ?? false) {
  if (at.length === 1) model.select(number, at[0], 0, 0, pinned);
  else model.select(number, at[2], at[0], at[1], pinned);
}

/**
 * The place in a result that lies where the value that is looked at lies in its own.
 * @param {Model} model
 * @param {Shape} shape
 * @param {number} map
 * @returns {Place}
 */
function sameSpot(model, shape, map) {
  if (shape.length === 1) return [Math.min(map, shape[0] - 1)];
  const { selection } = model;
  const from = selection && model.shapes[selection.stage];
  const shares = [0, 1].map((axis) =>
    selection && from && from.length > 1 ? (selection.at[axis] + 0.5) / from[axis] : 0.5,
  );
  return [Math.floor(shares[0] * shape[0]), Math.floor(shares[1] * shape[1]), Math.min(map, shape[2] - 1)];
}

/** A stage as it is called: "3 conv", "the picture". @param {Model} model @param {number} number */
function stageTitle(model, number) {
  if (!number) return "the picture";
  const stage = model.stages[number - 1];
  return `stage ${number} ${stage.kind}${stage.name ? ` (${stage.name})` : ""}`;
}

/**
 * A stage's own text, and what it reads where that is not the one before.
 * @param {Model} model
 * @param {number} number
 */
function cardText(model, number) {
  const stage = model.stages[number - 1];
  const name = stage.name ? `${stage.name}: ` : "";
  const isNext = stage.reads.length === 1 && stage.reads[0] === number - 1;
  const reads = isNext
    ? ""
    : ` (reads ${stage.reads.map((read) => (read ? String(read) : "the picture")).join(" and ")})`;
  return `${name}${kindOf(stage).text(stage)}${reads}`;
}

/**
 * The names of a vector's numbers, if the last of a network's are known.
 * @param {Model} model
 * @param {number} number
 */
function labelsOf(model, number) {
  const shape = model.shapes[number];
  const { labels } = model.contents;
  return shape?.length === 1 && labels.length === shape[0] ? labels : null;
}

/** A stage's sizes and figures as pairs of terms and texts. @param {Model} model @param {number} number */
function factsOf(model, number) {
  const figures = number ? model.figures[number] : null;
  const shape = model.shapes[number];
  if (!figures || !shape) return [];
  const pairs = [
    ["params", figures.parameters ? figures.parameters.toLocaleString("en") : ""],
    ["mult-adds", figures.macs ? figures.macs.toLocaleString("en") : ""],
    ["field", showShape(model.fieldOf(number).size)],
  ];
  return pairs.filter(([, text]) => text).flatMap(([term, text]) => [element("dt", {}, term), element("dd", {}, text)]);
}

/** Tells a screen reader what has changed, when it has not changed again for a moment. */
class Announcer {
  constructor() {
    this.element = element("p", { className: "visually-hidden answer", role: "status" });
    this.waiting = 0;
  }

  /** @param {string} text */
  say(text) {
    window.clearTimeout(this.waiting);
    this.waiting = window.setTimeout(() => write(this.element, text), 250);
  }
}
