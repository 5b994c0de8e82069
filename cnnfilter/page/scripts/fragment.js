// The fragment of the address: the changes and the value that is looked at, as text that nobody needs to trust.

const LONGEST_STATE = 20_000;

/**
 * The text of changes and a selection.
 *
 * @param {Change[]} changes
 * @param {Chosen | null} selection
 */
function stateText(changes, selection) {
  const state = new URLSearchParams();
  for (const change of changes) {
    const value = change.what === "set" ? `,${change.key},${change.value}` : change.what === "insert" ? `,${change.text}` : "";
    state.append(change.what, change.stage + value);
  }
  if (selection) state.append(selection.pinned ? "pin" : "at", [selection.stage, ...selection.at].join());
  return state.toString().replaceAll("%2C", ",").replaceAll("%3B", ";");
}

/**
 * The changes and the selection of a text, which may be anybody's.
 *
 * @param {string} text
 * @returns {{changes: Change[], selection: Chosen | null}}
 */
function readState(text) {
  if (text.length > LONGEST_STATE) throw new Mistake(`the address holds more than ${LONGEST_STATE} characters`);
  /** @type {Change[]} */
  const changes = [];
  let selection = null;
  for (const [what, value] of new URLSearchParams(text)) {
    const [first, ...rest] = value.split(",");
    const stage = readWhole(first, "a stage", 0, MOST_STAGES);
    if (what === "set") changes.push({ what, stage, key: rest[0] ?? "", value: rest.slice(1).join() });
    else if (what === "insert") changes.push({ what, stage, text: rest.join() });
    else if (what === "remove") changes.push({ what, stage });
    else if (what === "at" || what === "pin") {
      selection = { stage, at: rest.map((index) => readWhole(index, "a place", 0)), pinned: what === "pin" };
    } else throw new Mistake(`the address tells of ${quoted(what)}, which is no change`);
  }
  if (changes.length > MOST_CHANGES) throw new Mistake(`the address tells of more than ${MOST_CHANGES} changes`);
  return { changes, selection };
}

const IDLE = 400; // milliseconds of rest before what goes on is written: browsers limit how often the address may change

/** @typedef {{depth: number, isOurs: boolean}} Entry  of the browser's history: changes to undo there, whether we made it */

/** @returns {Entry} */
function entryHere() {
  return { depth: Number(history.state?.depth ?? 0), isOurs: Boolean(history.state?.isOurs) };
}

/**
 * Keep the state in the address: each change an entry of the browser's history, whose Back takes it back. A page within
 * another one, as in a notebook, makes no entries: the Back of the page around it is not ours.
 *
 * @param {Model} model
 */
function keepInAddress(model) {
  const own = () => location.hash.replace(/^#/, "");
  const isAlone = window.top === window;
  const waiting = { timer: 0 };
  /** @param {"pushState" | "replaceState"} how */
  const write = (how) => {
    clearTimeout(waiting.timer);
    const { depth } = model;
    const here = entryHere();
    if (how === "replaceState" && own() === model.state && here.depth === depth) return;
    try {
      history[how]({ depth, isOurs: how === "pushState" || here.isOurs }, "", `#${model.state}`);
    } catch {
      // a page inside of a notebook has no address of its own
    }
  };
  const writeLater = () => {
    clearTimeout(waiting.timer);
    waiting.timer = setTimeout(write, IDLE, "replaceState");
  };
  model.addEventListener("edited", (event) => {
    if (/** @type {CustomEvent} */ (event).detail.goesOn) writeLater();
    else write(isAlone ? "pushState" : "replaceState");
  });
  model.addEventListener("undone", () => write("replaceState"));
  model.addEventListener("selected", writeLater);
  addEventListener("popstate", () => {
    const { depth } = entryHere();
    if (history.state !== null && depth < model.depth) model.undo(model.depth - depth);
    else if (own() !== model.state) model.restore(own());
  });
  if (own()) model.restore(own());
  write("replaceState");
}

/**
 * Undo the last change: through the browser's history where that made it an entry, so that both go back together.
 *
 * @param {Model} model
 */
function undoLast(model) {
  const { depth, isOurs } = entryHere();
  if (isOurs && depth === model.depth) history.back();
  else model.undo();
}
