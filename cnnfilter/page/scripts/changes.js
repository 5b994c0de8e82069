// What a person changes: a list of changes leads from the network that Python embedded to the one that is shown. The
// fragment of the address has the same list as text, so nothing of it is trusted: each is read as if it were typed.

/**
 * @typedef {{what: "set", stage: number, key: string, value: string}
 *   | {what: "insert", stage: number, text: string}
 *   | {what: "remove", stage: number}} Change  a stage by its number at that time
 */

const MOST_CHANGES = 200;
const MOST_STAGES = 1000;

/**
 * The stages after a change.
 *
 * @param {Stage[]} stages
 * @param {Change} change
 * @returns {Stage[]}
 */
function changed(stages, change) {
  const result = withChangedStage(stages, change);
  return result.map((stage) => kindOf(stage).amid?.(stage, leadingTo(result, stage)) ?? stage);
}

/**
 * The stages after a change, as if none depended on others.
 *
 * @param {Stage[]} stages
 * @param {Change} change
 * @returns {Stage[]}
 */
function withChangedStage(stages, change) {
  const number = change.stage;
  const isThere = Number.isInteger(number) && number <= stages.length && number >= (change.what === "insert" ? 0 : 1);
  if (!isThere) throw new Mistake(`there is no stage ${number} among ${stages.length}`);
  if (change.what === "set") {
    return stages.map((stage, place) => (place === number - 1 ? withValue(stage, change.key, change.value) : stage));
  }
  if (change.what === "insert") {
    if (stages.length >= MOST_STAGES) throw new Mistake(`a network here has at most ${MOST_STAGES} stages`);
    const later = stages.map((stage) => rewired(stage, (read) => (read >= number ? read + 1 : read)));
    const behind = later.slice(number);
    // what it parts is no preset any more
    if (behind.length && behind[0].group === stages[number - 1]?.group) behind[0] = { ...behind[0], group: null };
    return [...later.slice(0, number), readStage(change.text, stages, number), ...behind];
  }
  // what led to it alone goes with it; what was read by nothing before, as behind --node, stays
  const were = new Set(unreadPlaces(stages).map((place) => stages[place].keys));
  let left = without(stages, number);
  for (let place; (place = unreadPlaces(left).findLast((each) => !were.has(left[each].keys))) !== undefined; ) {
    left = without(left, place + 1);
  }
  return left;
}

/**
 * The places of the stages that no other reads, but for the last.
 *
 * @param {Stage[]} stages
 */
function unreadPlaces(stages) {
  const read = new Set(stages.flatMap(({ reads }) => reads));
  return range(stages.length - 1).filter((place) => !read.has(place + 1));
}

/**
 * The stages without one: what read it reads what it read last, which of branches is the one before it.
 *
 * @param {Stage[]} stages
 * @param {number} number
 */
function without(stages, number) {
  const before = stages[number - 1].reads[stages[number - 1].reads.length - 1];
  const left = stages.filter((_, place) => place !== number - 1);
  return left.map((stage) => rewired(stage, (read) => (read === number ? before : read > number ? read - 1 : read)));
}

/**
 * The changes with one more; it takes the place of the last one where that set the same number or text.
 *
 * @param {Change[]} changes
 * @param {Change} change
 */
function withChange(changes, change) {
  const last = changes[changes.length - 1];
  if (last && setsSame(last, change)) return [...changes.slice(0, -1), change];
  if (changes.length >= MOST_CHANGES) throw new Mistake(`a page keeps at most ${MOST_CHANGES} changes`);
  return [...changes, change];
}

/**
 * @param {Change} one
 * @param {Change} other
 */
function setsSame(one, other) {
  if (one.what !== "set" || other.what !== "set" || one.stage !== other.stage || one.key !== other.key) return false;
  const [indices, others] = [one, other].map(({ value }) => value.slice(0, value.lastIndexOf(",") + 1));
  return !one.key.startsWith("learned.") || indices === others;
}

/**
 * A stage that reads other numbers; itself where they stay.
 *
 * @param {Stage} stage
 * @param {(read: number) => number} renumber
 * @returns {Stage}
 */
function rewired(stage, renumber) {
  const reads = stage.reads.map(renumber);
  return reads.every((read, place) => read === stage.reads[place]) ? stage : { ...stage, reads };
}

/**
 * A stage with another value under one of its keys. It is no more a part of the preset or the file that it came from.
 *
 * @param {Stage} stage
 * @param {string} key
 * @param {string} text  the value, as `valueText` writes it
 * @returns {Stage}
 */
function withValue(stage, key, text) {
  const control = kindOf(stage).controls.find((each) => each.key === key && (each.when?.(stage) ?? true));
  if (!control) {
    const known = kindOf(stage).controls.filter((each) => each.when?.(stage) ?? true).map((each) => each.key);
    throw new Mistake(`${stage.kind} has no ${quoted(key)}${known.length ? ` (known: ${known.join(", ")})` : ""}`);
  }
  if (control.type === "weights") return withLearned(stage, key.slice("learned.".length), text);
  const value = readValue(control, text);
  const keys = { ...stage.keys, [key]: value };
  if (control.type === "kernel" && "file" in keys) keys.file = null;
  return { ...stage, keys, group: null };
}

/**
 * A value of a key from its text.
 *
 * @param {Control} control
 * @param {string} text
 * @returns {any}
 */
function readValue(control, text) {
  const { label, type, choices = [], least, most } = control;
  if (control.read) return control.read(text);
  if (type === "whole") return readWhole(text, label, least, most);
  if (type === "pair") return readPair(text, label);
  if (type === "padding") return readPadding(text);
  if (type === "check") return readSwitch(text);
  if (type === "kernel") return readKernels(text);
  if (type === "choice") {
    if (control.key === "border") return readBorder(text);
    if (!choices.includes(text)) throw new Mistake(`unknown ${label} ${quoted(text)} (known: ${choices.join(", ")})`);
    return text;
  }
  const value = readNumber(text);
  if (least !== undefined && value < least) throw new Mistake(`${label} must be at least ${least}, not ${showNumber(value)}`);
  if (most !== undefined && value > most) throw new Mistake(`${label} must be at most ${most}, not ${showNumber(value)}`);
  return value;
}

/**
 * The text of a value: what `readValue` reads.
 *
 * @param {any} value
 * @returns {string}
 */
function valueText(value) {
  if (typeof value === "number") return showNumber(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (!Array.isArray(value)) return String(value ?? "");
  if (value.length && typeof value[0] === "object" && "filters" in value[0]) return value.map(kernelText).join("+");
  if (Array.isArray(value[0])) return value.length === 2 && value[0].length === 2 ? showPadding(/** @type {any} */ (value)) : value.map((row) => row.join(" ")).join("; ");
  return value.length === 2 ? value.join("x") : value.join(",");
}

/**
 * A stage with another learned number.
 *
 * @param {Stage} stage
 * @param {string} role
 * @param {string} text  its index along each axis, and the number, between commas
 * @returns {Stage}
 */
function withLearned(stage, role, text) {
  const { shape, values } = stage.learned[role];
  const parts = text.split(",");
  if (parts.length !== shape.length + 1) {
    throw new Mistake(`${role} takes ${shape.length} indices and a number, not ${quoted(text)}`);
  }
  const place = shape.reduce((all, size, axis) => all * size + readWhole(parts[axis], role, 0, size - 1), 0);
  const other = Float32Array.from(values);
  other[place] = readNumber(parts[shape.length]);
  return { ...stage, learned: { ...stage.learned, [role]: { shape, values: other } }, group: null };
}
