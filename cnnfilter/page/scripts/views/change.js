/**
 * What can be changed of the stage that is looked at: its kernel, numbers and sizes; it can be removed, and another one
 * put behind it.
 * @param {Model} model
 */
function changeView(model) {
  const title = element("h2", { id: "change-title" }, "Change");
  const list = element("select", { onchange: () => choose(Number(list.value)) });
  const mistake = element("p", { className: "mistake", role: "status", hidden: true });
  const typed = element("p", { className: "mistake", role: "alert", hidden: true });
  const controls = element("div", { className: "controls" });
  const removing = element(
    "button",
    { type: "button", className: "button", onclick: () => remove() },
    "Remove this stage",
  );
  let number = 1;
  let looked = ""; // the stage and the map that are looked at, which this follows
  let structure = "";
  /** @type {Editor[]} */
  let editors = [];

  const say = (/** @type {string} */ text) => {
    typed.textContent = text;
    typed.hidden = text === "";
  };

  /** @param {number} wanted */
  function choose(wanted) {
    number = wanted;
    say("");
    refresh();
  }

  function remove() {
    say(mistakeOf(() => model.remove(number)));
  }

  function refresh() {
    number = Math.min(number, model.stages.length);
    const options = ["0 the picture", ...model.stages.map((stage, index) => `${index + 1} ${stageLabel(stage)}`)];
    list.replaceChildren(
      ...options.map((text, value) => element("option", { value, selected: value === number }, text)),
    );
    const wrong = model.mistakes[number] ?? model.mistakes.find((each) => each) ?? null;
    mistake.textContent = wrong ?? "";
    mistake.hidden = wrong === null;
    removing.hidden = number === 0;
    const stage = number === 0 ? null : model.stages[number - 1];
    const here = stage === null ? [] : kindOf(stage).controls.filter(({ when }) => when === undefined || when(stage));
    const now = JSON.stringify([
      number,
      stage?.kind,
      here.map(({ key, type }) => [
        key,
        type === "kernel"
          ? stage?.keys[key].length
          : type === "weights" && stage?.learned[key.slice("learned.".length)].shape,
      ]),
    ]);
    if (now === structure) {
      editors.forEach((editor) => editor.refresh());
      return;
    }
    structure = now;
    editors = here.map((control) => EDITORS[control.type]({ model, number, control, say }));
    controls.replaceChildren(...editors.map((editor) => editor.node));
    if (stage !== null && here.length === 0) {
      controls.append(element("p", { className: "small soft" }, `${stage.kind} has nothing to set.`));
    }
  }

  /** Say instead that nothing can be changed. */
  function close() {
    panel.replaceChildren(
      title,
      element(
        "p",
        { className: "small soft" },
        "This page shows results that it does not compute: it was written with --static, and nothing can be changed.",
      ),
    );
  }

  darkness.addEventListener("change", () => editors.forEach((editor) => editor.refresh()));
  model.addEventListener("changed", () => (model.contents.isStatic ? close() : refresh()));
  model.addEventListener("selected", () => {
    const { stage, at } = model.selection ?? { stage: 0, at: [0] };
    const what = `${stage} ${at[at.length - 1]}`;
    if (what === looked || model.contents.isStatic) return; // another place of the same map: the mouse goes over it
    if (!looked.startsWith(`${stage} `) && !controls.contains(document.activeElement)) number = stage;
    looked = what;
    refresh();
  });
  refresh();
  editInPlace(model);
  const panel = element(
    "section",
    { className: "panel change no-print", "aria-labelledby": title.id },
    element("div", { className: "panel-head" }, title, undoButton(model)),
    element("label", { className: "control" }, element("span", { className: "soft" }, "Stage"), list),
    mistake,
    controls,
    typed,
    element("div", { className: "row" }, removing),
    addingForm(model, () => number, choose), // the next one goes behind the new one
  );
  return panel;
}

/**
 * A stage as a list names it: its text, and its name if it has one.
 * @param {Stage} stage
 */
function stageLabel(stage) {
  const text = kindOf(stage).text(stage);
  const title = stage.name === null ? text : `${text}:as=${stage.name}`;
  return title.length > 60 ? `${title.slice(0, 57)}...` : title;
}
