/**
 * How far an answer may be from the result: nothing from a whole number, and from none that is finite; else 1 % of it,
 * and `least` where that is more.
 * @param {number} result
 * @param {number} least
 */
function tolerance(result, least) {
  return Number.isInteger(result) || !Number.isFinite(result) ? 0 : Math.max(Math.abs(result) / 100, least);
}

/**
 * What is said of an answer.
 * @param {number} answer
 * @param {number} result
 * @param {number} [least]
 * @returns {{right: boolean, text: string}}
 */
function judged(answer, result, least = 0.01) {
  const allowed = tolerance(result, least);
  if (Math.abs(answer - result) <= allowed * (1 + 1e-9)) {
    const exactly = answer === result || allowed === 0;
    return {
      right: true,
      text: exactly ? `Right: ${show(result)}.` : `Right: ${show(answer)} is close enough to ${show(result)}.`,
    };
  }
  const turned = result !== 0 && Math.abs(answer + result) <= allowed;
  const hint = turned ? "The sign is not right." : `${show(answer)} is too ${answer < result ? "small" : "large"}.`;
  return { right: false, text: `Not yet. ${hint}` };
}

/**
 * A question for the value at the place that is looked at: its result is hidden until it is found or shown.
 * @param {Model} model
 * @returns {Lesson}
 */
function quizLesson(model) {
  const asked = element("p", { className: "asked", id: "asked" });
  const rule = element("span", { className: "small soft", id: "asked-rule" });
  const answer = element("input", {
    type: "text",
    inputMode: "decimal",
    size: 10,
    autocomplete: "off",
    "aria-describedby": `${asked.id} ${rule.id}`,
  });
  const said = element("p", { className: "said", role: "status" });
  const count = element("span", { className: "small soft" });
  const begin = element(
    "button",
    { type: "button", className: "button primary", onclick: () => start() },
    "Hide the results and ask",
  );
  const another = element(
    "button",
    { type: "button", className: "button", onclick: () => ask(randomPlace(model)) },
    "Another place",
  );
  const reveal = element("button", { type: "button", className: "button", onclick: () => finish(false) }, "Show it");
  const end = element("button", { type: "button", className: "button quiet", onclick: () => stop() }, "End");
  const products = element("input", {
    type: "checkbox",
    onchange: () => {
      document.documentElement.classList.toggle("asking-products", open && products.checked);
    },
  });
  const form = element(
    "form",
    {
      className: "row",
      onsubmit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        check();
      },
    },
    element("label", { className: "field" }, element("span", {}, "Its value"), answer),
    element("button", { type: "submit", className: "button" }, "Check"),
    rule,
  );
  const playing = element(
    "div",
    { className: "stack", hidden: true },
    asked,
    form,
    said,
    element("div", { className: "row" }, another, reveal, end, count),
  );
  const choice = element("label", { className: "choice" }, products, element("span", {}, "Hide the products, too"));
  let [right, all] = [0, 0];
  let open = false; // whether a question waits for its answer

  /** The value that is asked for; null where there is none. */
  function result() {
    const selection = model.selection;
    const maps = selection && model.results[selection.stage];
    return maps ? valueAt(maps, selection.at) : null;
  }

  function start() {
    [right, all] = [0, 0];
    playing.hidden = false;
    begin.hidden = true;
    ask(model.selection?.stage ? null : randomPlace(model));
  }

  /** @param {{stage: number, at: Place} | null} place   null for where the selection is */
  function ask(place) {
    open = true;
    hideResults(true, products.checked);
    said.textContent = "";
    answer.value = "";
    if (place) selectAt(model, place.stage, place.at, true);
    refresh();
    answer.focus({ preventScroll: true });
  }

  function check() {
    const value = result();
    if (!open || value === null) return;
    const mistake = mistakeOf(() => {
      const verdict = judged(readNumber(answer.value.replace("\u2212", "-")), value);
      said.textContent = verdict.text;
      if (verdict.right) finish(true);
    });
    if (mistake) said.textContent = mistake;
  }

  /** @param {boolean} found */
  function finish(found) {
    const value = result();
    if (!open || value === null) return;
    open = false;
    all += 1;
    right += found ? 1 : 0;
    if (!found) said.textContent = `It is ${show(value)}.`;
    hideResults(false);
    refresh();
    another.focus();
  }

  function stop() {
    if (playing.hidden) return;
    open = false;
    playing.hidden = true;
    begin.hidden = false;
    hideResults(false);
  }

  function refresh() {
    if (playing.hidden) return;
    const selection = model.selection;
    const value = result();
    form.hidden = !open || value === null;
    reveal.hidden = form.hidden;
    count.textContent = all === 0 ? "" : `${right} of ${all} found`;
    if (selection === null || value === null) {
      asked.textContent = "Choose a value of a stage that has been computed.";
      return;
    }
    const stage =
      selection.stage === 0
        ? "the picture"
        : `stage ${selection.stage}, ${stageLabel(model.stages[selection.stage - 1])}`;
    asked.textContent = `What does ${stage} give at ${placeText(selection.at)}?`;
    rule.textContent = Number.isInteger(value) ? "a whole number, exactly" : "to 1 %, or to 0.01 where that is more";
  }

  return {
    title: "Ask for a result",
    node: element(
      "div",
      { className: "quiz stack" },
      element("p", { className: "small soft" }, "The result is hidden; work it out from its window, and type it."),
      element("div", { className: "row" }, begin, choice),
      playing,
    ),
    close: stop,
    refresh() {
      if (!open) return;
      said.textContent = ""; // it was of another value
      refresh();
    },
  };
}

/**
 * Hide the results of the step that is shown, also from screen readers, or show them again.
 * @param {boolean} hidden
 * @param {boolean} products   whether the products are hidden with them
 */
function hideResults(hidden, products = false) {
  document.documentElement.classList.toggle("asking", hidden);
  document.documentElement.classList.toggle("asking-products", hidden && products);
}

/**
 * A place of a computed stage by chance, where something is to be computed.
 * @param {Model} model
 * @returns {{stage: number, at: Place} | null}
 */
function randomPlace(model) {
  const stage = model.selection?.stage || model.stages.findIndex((_, index) => model.results[index + 1]) + 1;
  const maps = stage ? model.results[stage] : null;
  if (!maps) return null;
  return { stage, at: maps.shape.map((size) => Math.floor(Math.random() * size)) };
}
