/**
 * The texts that may stand for a new stage, for the completion: each kind in its shortest form; behind `conv:` the
 * named kernels; behind a whole stage and a colon the keys that it takes.
 * @param {Model} model
 * @param {string} typed
 */
function completions(model, typed) {
  const [word] = typed.split(":");
  const kind = KINDS[word.trim().toLowerCase()];
  if (typed.includes(":") && kind && Object.hasOwn(KINDS, word.trim().toLowerCase())) {
    const begun = typed.slice(0, typed.lastIndexOf(":") + 1);
    const keys = kind.controls
      .filter(({ type }) => type !== "weights" && type !== "kernel")
      .map(({ key }) => `${begun}${key}=`);
    const kernels = kind.controls.some(({ type }) => type === "kernel") && begun.indexOf(":") === begun.length - 1;
    return kernels ? model.contents.kernels.map(({ name }) => `${begun}${name}`) : keys;
  }
  return Object.keys(KINDS).flatMap((each) => shortestTexts(each));
}

/**
 * The shortest text of a kind of stage that can be added; none of one that only a file can bring.
 * @param {string} kind
 */
function shortestTexts(kind) {
  for (const rest of ["", "in", "sobel-x", "2"]) {
    try {
      KINDS[kind].parse(rest);
      return [rest ? `${kind}:${rest}` : kind];
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
    }
  }
  return [];
}

/**
 * Put stages behind one, all of them or none: commas part them, as in the command. The number of the last is returned.
 * @param {Model} model
 * @param {number} after
 * @param {string} text
 */
function insertAll(model, after, text) {
  if (!text.trim()) throw new Mistake("no stage here; write one, such as relu");
  const texts = splitText(text, ",");
  texts.reduce(
    (stages, each, place) => changed(stages, { what: "insert", stage: after + place, text: each }),
    model.stages,
  );
  const before = model.depth;
  try {
    texts.forEach((each, place) => model.insert(after + place, each));
  } catch (error) {
    model.undo(model.depth - before); // as where one of them is more than a page computes
    throw error;
  }
  return after + texts.length;
}

/**
 * A form that adds a stage, by its text as the command takes it.
 * @param {Model} model
 * @param {() => number} after   the number of the stage behind which it is put
 * @param {(number: number) => void} added   is told the number of the new stage, of several the last
 */
function addingForm(model, after, added) {
  const field = element("input", {
    type: "text",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: false,
    placeholder: "relu",
    maxLength: 1000,
  });
  const list = element("datalist", { id: "stage-texts" });
  field.setAttribute("list", list.id);
  const mistake = element("p", { className: "mistake", role: "alert", hidden: true });
  const offer = () =>
    list.replaceChildren(...completions(model, field.value).map((value) => element("option", { value })));
  field.addEventListener("input", offer);
  model.addEventListener("changed", offer, { once: true });
  return element(
    "form",
    {
      className: "adding",
      onsubmit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        const told = mistakeOf(() => added(insertAll(model, after(), field.value)));
        mistake.textContent = told;
        mistake.hidden = told === "";
        markInvalid(field, told !== "");
        if (told === "") field.value = "";
      },
    },
    element("label", { className: "field" }, element("span", {}, "New stage behind it"), field),
    list,
    element("button", { type: "submit", className: "button" }, "Add"),
    mistake,
  );
}
