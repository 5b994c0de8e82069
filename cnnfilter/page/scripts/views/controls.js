/**
 * One control of a stage on the page.
 * @typedef {object} Editor
 * @property {HTMLElement} node
 * @property {() => void} refresh   show the stage's value, unless a person is typing there
 */

/**
 * What a control changes, and where what is wrong with it is told.
 * @typedef {object} Edited
 * @property {Model} model
 * @property {number} number                      of the stage
 * @property {Control} control
 * @property {(mistake: string) => void} say      an empty text where nothing is wrong
 */

/**
 * The controls by their type: what a person uses to change a value of a stage.
 * @type {Record<Control["type"], (edited: Edited) => Editor>}
 */
const EDITORS = {
  number: (edited) =>
    steppedField(
      {
        ...keyOf(edited),
        shown: edited.control.show ?? showNumber,
        read: edited.control.read ?? readNumber,
        stepped: (value, by) => value + by,
        inputMode: "decimal",
      },
      edited.say,
    ),
  numbers: (edited) =>
    steppedField(
      {
        ...keyOf(edited),
        shown: edited.control.show ?? valueText,
        read: edited.control.read ?? ((text) => readValue(edited.control, text)),
        stepped: (values, by) => values.map((/** @type {number} */ value) => value + by),
        inputMode: "text",
      },
      edited.say,
    ),
  whole: (edited) =>
    steppedField(
      {
        ...keyOf(edited),
        shown: showNumber,
        read: (text) => readWhole(text, edited.control.label, edited.control.least, edited.control.most),
        stepped: (value, by) => value + by,
        inputMode: "numeric",
      },
      edited.say,
    ),
  pair: (edited) =>
    steppedField(
      {
        ...keyOf(edited),
        shown: showPair,
        read: (text) => readPair(text, edited.control.label),
        stepped: steppedPair,
        inputMode: "text",
      },
      edited.say,
    ),
  padding: (edited) =>
    steppedField(
      {
        ...keyOf(edited),
        shown: showPadding,
        read: readPadding,
        stepped: steppedPadding,
        inputMode: "text",
      },
      edited.say,
    ),
  choice: choiceEditor,
  check: checkEditor,
  kernel: kernelEditor,
  weights: weightsEditor,
};

/**
 * A key of a stage as a field reads and changes it.
 * @param {Edited} edited
 */
function keyOf({ model, number, control: { key, label } }) {
  return {
    label,
    current: () => model.stage(number).keys[key],
    put: (/** @type {any} */ value, /** @type {boolean} */ goesOn = false) => model.set(number, key, value, goesOn),
  };
}

/**
 * @template Value
 * @typedef {object} Stepped  a value that is written as text, and can be stepped
 * @property {string} label
 * @property {() => Value} current
 * @property {(value: Value, goesOn: boolean) => void} put  throws a Mistake; `goesOn` as of `Model.set`
 * @property {(value: Value) => string} shown
 * @property {(text: string) => Value} read    throws a Mistake
 * @property {(value: Value, by: number) => Value} stepped
 * @property {string} inputMode
 */

/**
 * A field for a text that stands for a value, with buttons that step it; so do the arrow keys up and down.
 * @template Value
 * @param {Stepped<Value>} value
 * @param {(mistake: string) => void} say
 * @returns {Editor}
 */
function steppedField({ label, current, put, shown, read, stepped, inputMode }, say) {
  const field = element("input", {
    type: "text",
    inputMode,
    size: 6,
    autocomplete: "off",
    spellcheck: false,
    "aria-label": label,
  });
  let isBegun = false; // whether what is typed is a change already
  const change = (/** @type {() => Value} */ read) => {
    const mistake = mistakeOf(() => {
      const value = read();
      if (shown(value) === shown(current())) return;
      put(value, isBegun);
      isBegun = document.activeElement === field;
    });
    told(mistake);
  };
  const told = (/** @type {string} */ mistake) => {
    markInvalid(field, mistake !== "");
    say(mistake);
  };
  const step = (/** @type {number} */ by) => {
    change(() => stepped(current(), by));
    field.value = shown(current());
  };
  field.addEventListener("input", () => change(() => read(field.value.trim())));
  field.addEventListener("keydown", (event) => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    step(by);
  });
  field.addEventListener("blur", () => {
    isBegun = false;
    field.value = shown(current());
    told("");
  });
  const button = (/** @type {number} */ by) =>
    element(
      "button",
      {
        type: "button",
        className: "button square",
        "aria-label": `${label}: ${by < 0 ? "less" : "more"}`,
        onclick: () => step(by),
      },
      by < 0 ? "\u2212" : "+",
    );
  const refresh = () => {
    if (document.activeElement !== field) field.value = shown(current());
  };
  refresh();
  return {
    node: element(
      "div",
      { className: "control" },
      element("span", { className: "soft" }, label),
      element("span", { className: "stepper" }, button(-1), field, button(1)),
    ),
    refresh,
  };
}

/**
 * Say of a field whether what stands in it is wrong.
 * @param {HTMLInputElement} field
 * @param {boolean} isWrong
 */
function markInvalid(field, isWrong) {
  if (isWrong) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

/**
 * A pair, both of whose numbers are one more or less.
 * @param {Pair} pair
 * @param {number} by
 * @returns {Pair}
 */
function steppedPair([height, width], by) {
  return [Math.max(1, height + by), Math.max(1, width + by)];
}

/**
 * A padding, one more or less on each side; a word is left for a number.
 * @param {any} padding
 * @param {number} by
 */
function steppedPadding(padding, by) {
  const sides =
    typeof padding === "string"
      ? [
          [0, 0],
          [0, 0],
        ]
      : padding;
  return sides.map((/** @type {number[]} */ axis) => axis.map((side) => Math.max(0, side + by)));
}

/**
 * A list of words, one of which is chosen.
 * @param {Edited} edited
 * @returns {Editor}
 */
function choiceEditor(edited) {
  const { label, current, put } = keyOf(edited);
  const list = element(
    "select",
    {
      onchange: () => {
        edited.say(mistakeOf(() => put(list.value)));
        refresh(); // what could not be done is not chosen
      },
    },
    ...(edited.control.choices ?? []).map((choice) => element("option", { value: choice }, choice)),
  );
  const refresh = () => {
    list.value = String(current());
  };
  refresh();
  return {
    node: element("label", { className: "control" }, element("span", { className: "soft" }, label), list),
    refresh,
  };
}

/**
 * A box that is checked or not.
 * @param {Edited} edited
 * @returns {Editor}
 */
function checkEditor(edited) {
  const { label, current, put } = keyOf(edited);
  const box = element("input", {
    type: "checkbox",
    onchange: () => {
      edited.say(mistakeOf(() => put(box.checked)));
      refresh();
    },
  });
  const refresh = () => {
    box.checked = Boolean(current());
  };
  refresh();
  return { node: element("label", { className: "choice" }, box, element("span", {}, label)), refresh };
}
