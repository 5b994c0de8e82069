// @ts-check
// A loss of what the network makes of the picture, and where its gradient goes, for the lesson.

/**
 * Facts with what they are called, of neighbours of one name the first alone.
 * @param {[string, string][]} lines
 */
function namedFacts(lines) {
  return element(
    "dl",
    { className: "facts" },
    ...lines.flatMap(([name, text], i) => [
      ...(i && lines[i - 1][0] === name ? [] : [element("dt", {}, name)]),
      element("dd", {}, text),
    ]),
  );
}

/**
 * A loss, its deltas, and those of all stages back to the picture, as `cnnfilter explain --target` tells them.
 * @param {Model} model
 * @returns {Lesson}
 */
function lossLesson(model) {
  const names = element("datalist", { id: "loss-labels" });
  const target = element("input", { type: "text", size: 9, autocomplete: "off", spellcheck: false, oninput: look });
  target.setAttribute("list", names.id);
  const loss = element(
    "select",
    { onchange: look },
    ...Object.keys(LOSSES).map((name) => element("option", {}, name)),
  );
  const mistake = element("p", { className: "mistake", role: "status", hidden: true });
  const board = element("div", { className: "stack" });
  const flattening = element("button", { type: "button", className: "button", hidden: true }, "Add flatten at the end");
  flattening.addEventListener("click", () => {
    said = mistakeOf(() => model.insert(model.stages.length, "flatten"));
    tell();
  });
  const command = element("div", {});
  const weight = new WeightBox(model, (words) => {
    const asked = ["--target", target.value.trim(), "--loss", loss.value];
    const text = lossCommand(model, asked, words);
    command.replaceChildren(commandLine("The command of this loss", text, []));
  });
  const hiding = element("input", { type: "checkbox", onchange: () => hide(hiding.checked) });
  const question = deltaQuestion(model, () => hide(false));
  let open = false;
  let said = ""; // of what could not be done
  let count = 0; // of the numbers that the target was chosen for

  /** Hides the results, and asks for one, or shows them. @param {boolean} hidden */
  function hide(hidden) {
    hiding.checked = hidden;
    hideResults(hidden);
    question.ask(hidden);
  }

  function look() {
    said = "";
    backward.look({ loss: loss.value, target: target.value });
  }

  /** Chooses what the network thinks most likely, where another network has other classes; whether it has. */
  function hasChosen() {
    const result = model.results[model.stages.length];
    if (!result || result.shape.length > 1 || result.shape[0] === count) return false;
    [count] = result.shape;
    const labels = labelsOf(model, model.stages.length) ?? [];
    const most = result.values.reduce((best, value, i) => (value > result.values[best] ? i : best), 0);
    const label = (labels[most] ?? "").trim();
    const isItsOwn = labels.indexOf(label) === most && !/^\d+$/.test(label); // or it would be read as another's
    target.value = isItsOwn ? label : String(most);
    names.replaceChildren(...labels.map((value) => element("option", { value })));
    return true;
  }

  function tell() {
    const { backed } = backward;
    const text = said || backward.mistake;
    write(mistake, text);
    mistake.hidden = text === "";
    markInvalid(target, !said && backward.mistake !== "" && model.shapes[model.stages.length]?.length === 1);
    flattening.hidden = model.shapes[model.stages.length]?.length !== 3 || model.contents.isStatic;
    board.hidden = weight.element.hidden = command.hidden = !backed;
    if (!backed) return;
    board.replaceChildren(
      ...lossParts(backed.worked, labelsOf(model, model.stages.length)),
      backTable(model, backed, (number, at) => weight.choose(number, at)),
    );
    weight.update();
  }

  backward.addEventListener("told", () => open && tell());
  return {
    title: "A loss and its gradient",
    node: element(
      "div",
      { className: "stack loss" },
      element(
        "div",
        { className: "row" },
        element("label", { className: "field" }, element("span", {}, "What is right"), target, names),
        element("label", { className: "field" }, element("span", {}, "Loss"), loss),
      ),
      note("A class by its number or name, or what the result should be, as 0,1,0."),
      mistake,
      flattening,
      element("label", { className: "choice" }, hiding, element("span", {}, "Hide the results, to work them out")),
      question.node,
      board,
      weight.element,
      command,
    ),
    refresh() {
      open = true;
      if (hasChosen() || backward.aim === null) look();
      else weight.follow();
    },
    close() {
      open = false;
      hide(false);
      backward.look(null);
    },
  };
}

/**
 * A question for the delta of the value that is looked at.
 * @param {Model} model
 * @param {() => void} found  what is done when the answer is right
 * @returns {{node: HTMLElement, ask: (isAsked: boolean) => void}}
 */
function deltaQuestion(model, found) {
  const answer = element("input", { type: "text", inputMode: "decimal", size: 10, autocomplete: "off" });
  const said = element("p", { className: "said", role: "status" });
  const form = element(
    "form",
    { className: "row", hidden: true },
    element("label", { className: "field" }, element("span", {}, "The delta of the value that is looked at"), answer),
    element("button", { type: "submit", className: "button" }, "Check"),
    element("span", { className: "small soft" }, "to 1 %"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const deltas = model.selection && backward.backed?.deltas[model.selection.stage];
    if (!model.selection || !deltas) {
      write(said, "The loss has no delta of this value; choose one of another stage.");
      return;
    }
    const value = valueAt(deltas, model.selection.at);
    const mistake = mistakeOf(() => {
      const { right, text } = judged(readNumber(answer.value.replace("\u2212", "-")), value, 0);
      write(said, text);
      if (right) found();
    });
    if (mistake) write(said, mistake);
  });
  model.addEventListener("selected", () => write(said, ""));
  return {
    node: element("div", {}, form, said),
    ask(isAsked) {
      form.hidden = !isAsked;
      if (isAsked) [answer.value, said.textContent] = ["", ""];
    },
  };
}

/**
 * A loss worked out, and its deltas.
 * @param {WorkedLoss} worked
 * @param {string[] | null} labels
 */
function lossParts({ name, formula, lines, result, unit, results, targets, deltas }, labels) {
  const facts = /** @type {[string, string][]} */ ([
    ["formula", formula],
    ...lines.map((line) => [line.name, line.equal.join(" = ")]),
    ["result", `${show(result)} ${unit}`.trim()],
  ]);
  const chosen = placesOfLargest(deltas, MOST_TERMS);
  const rows = chosen.map((i) => [labelled(i, labels), results[i], targets[i], deltas[i]]);
  const rest = deltas.length - chosen.length;
  return [
    element("h3", {}, name),
    namedFacts(facts),
    element("h3", {}, "Deltas, ", element("span", { className: "mono" }, LOSSES[name].delta)),
    wideTable("deltas", terms("how the loss changes with each", ["index", "p", "t", "delta"], rows)),
    ...(rest ? [note(`not shown, as they are smaller: ${rest}`)] : []),
  ];
}

/**
 * The gradients of all stages, the last first: of each its deltas, which lead to the largest, and those of what it has
 * learned.
 * @param {Model} model
 * @param {Backed} backed
 * @param {(number: number, at: number[]) => void} choose  what is done with the largest of weights
 */
function backTable(model, { deltas, gradients }, choose) {
  const way = (/** @type {string} */ text, /** @type {() => void} */ onclick) =>
    element("button", { type: "button", className: "button quiet", onclick }, text);
  const row = (/** @type {number[]} */ shape, /** @type {Float32Array} */ values, /** @type {number[]} */ at) => [
    showShape(shape),
    values[mostOf(values)],
    at.join(","),
    rootMeanSquare(values),
  ];
  const rows = range(deltas.length)
    .reverse()
    .flatMap((number) => {
      const maps = deltas[number];
      if (!maps) return [];
      const at = largestPlace(maps);
      const name = stageTitle(model, number).replace("stage ", "");
      const title = number ? way(name, () => selectAt(model, number, at, true)) : name;
      const learned = Object.entries(gradients[number]).map(([role, array]) => {
        const index = largestIndex(array);
        const isTold = role === "weight" && isToldByWeights(model.stages[number - 1]);
        const shown = isTold ? way(role, () => choose(number, index)) : role.replace("_", " ");
        return [element("span", { className: "role" }, shown), ...row(array.shape, array.values, index)];
      });
      return [[title, ...row(maps.shape, maps.values, at)], ...learned];
    });
  const caption =
    "the deltas of each stage's result, which lead to the largest, and the gradients of what it has learned";
  return element(
    "div",
    {},
    element("h3", {}, "Back through the stages"),
    wideTable(
      "back through the stages",
      terms(caption, ["stage", "size", "largest", "at", "RMS"], rows),
    ),
  );
}
