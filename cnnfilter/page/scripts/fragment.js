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

const IDLE = 400; // milliseconds of rest before a selection is written: browsers limit how often the address may change

/**
 * Keep the state in the address: each change a step that the browser's Back takes back.
 *
 * @param {Model} model
 */
function keepInAddress(model) {
  const own = () => location.hash.replace(/^#/, "");
  const waiting = { timer: 0 };
  /** @param {"pushState" | "replaceState"} how */
  const write = (how) => {
    clearTimeout(waiting.timer);
    const hash = `#${model.state}`;
    if (hash === location.hash) return;
    try {
      history[how](null, "", hash);
    } catch {
      // a page inside of a notebook has no address of its own
    }
  };
  model.addEventListener("edited", (event) => {
    write(/** @type {CustomEvent} */ (event).detail.goesOn ? "replaceState" : "pushState");
  });
  model.addEventListener("undone", () => write("replaceState"));
  model.addEventListener("selected", () => {
    clearTimeout(waiting.timer);
    waiting.timer = setTimeout(write, IDLE, "replaceState");
  });
  addEventListener("popstate", () => {
    if (own() !== model.state) model.restore(own());
  });
  if (own()) model.restore(own());
}
