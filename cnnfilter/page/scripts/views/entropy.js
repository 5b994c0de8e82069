/**
 * The cross-entropy of a softmax against a class that is said to be the right one.
 * @typedef {object} Entropy
 * @property {number[]} probabilities
 * @property {number[]} terms    -log p of each class, in base e
 * @property {number} loss       that of the right class, in base e
 */

/**
 * Cross-entropy from what the softmax reads, so that it is right also where a probability is too small for a number.
 * @param {ArrayLike<number>} scores
 * @param {number} label   the index of the right class
 * @returns {Entropy}
 */
function crossEntropy(scores, label) {
  const largest = scores.length ? Array.from(scores).reduce((most, score) => Math.max(most, score)) : 0;
  const powers = Array.from(scores, (score) => Math.exp(score - largest));
  const sum = powers.reduce((all, power) => all + power, 0);
  const terms = Array.from(scores, (score) => Math.log(sum) + largest - score);
  return { probabilities: powers.map((power) => power / sum), terms, loss: terms[label] };
}

/** The most classes that stand in the table; the others are too small to be seen there. */
const MOST_CLASSES = 12;

/** A number in four digits. @param {number} value */
function short(value) {
  return show(Number(value.toPrecision(4)));
}

/**
 * The cross-entropy of the last softmax against a chosen label, with its numbers.
 * @param {Model} model
 * @returns {Lesson}
 */
function entropyLesson(model) {
  const list = element("select", {});
  const board = element("div", {});
  const mistake = element("p", { className: "mistake", role: "alert", hidden: true });
  const adding = element("button", { type: "button", className: "button" }, "Add a softmax at the end");
  adding.addEventListener("click", () => {
    write(mistake, mistakeOf(() => model.insert(model.stages.length, "softmax")));
    mistake.hidden = !mistake.textContent;
  });
  let labels = "";

  /** The number of the last softmax; 0 if there is none. */
  const last = () => model.stages.findLastIndex((stage) => stage.kind === "softmax") + 1;

  function refresh() {
    const number = last();
    if (number === 0) {
      board.replaceChildren(
        element(
          "p",
          {},
          "Cross-entropy compares percentages with the right answer; this network has no softmax to give them.",
        ),
        ...(model.contents.isStatic ? [] : [adding, mistake]),
      );
      return;
    }
    const scores = scoresOf(model, number);
    if (scores === null) {
      board.replaceChildren(element("p", {}, "The softmax has no numbers: a stage before it cannot be computed."));
      return;
    }
    const names = Array.from(scores, (_, index) => model.contents.labels[index] ?? `class ${index}`);
    if (labels !== names.join("\n")) {
      labels = names.join("\n");
      const chosen = scores.indexOf(scores.reduce((most, score) => Math.max(most, score)));
      list.replaceChildren(
        ...names.map((name, value) => element("option", { value, selected: value === chosen }, name)),
      );
    }
    const label = Math.max(0, list.selectedIndex);
    const { probabilities, terms, loss } = crossEntropy(scores, label);
    const order = range(scores.length).sort((a, b) => probabilities[b] - probabilities[a]);
    const shown = new Set([label, ...order.slice(0, MOST_CLASSES)]);
    const rows = order
      .filter((index) => shown.has(index))
      .map((index) => {
        const right = index === label;
        return element(
          "tr",
          { className: right ? "right" : "" },
          element("th", { scope: "row" }, names[index]),
          element("td", {}, right ? "1" : "0"),
          element("td", {}, short(probabilities[index])),
          element("td", {}, short(terms[index])),
          element("td", {}, right ? short(loss) : "0"),
        );
      });
    board.replaceChildren(
      element("label", { className: "control" }, element("span", { className: "soft" }, "The right class"), list),
      element(
        "div",
        { className: "wide", tabIndex: 0, role: "region", "aria-label": "Cross-entropy, class by class" },
        element(
          "table",
          { className: "numbers classes" },
          element(
            "thead",
            {},
            element(
              "tr",
              {},
              ...["class", "y", "p", "\u2212ln p", "\u2212y ln p"].map((text) => element("th", { scope: "col" }, text)),
            ),
          ),
          element("tbody", {}, ...rows),
        ),
      ),
      ...(rows.length < scores.length
        ? [
            element(
              "p",
              { className: "small soft" },
              `The ${scores.length - rows.length} others have y = 0, and add nothing.`,
            ),
          ]
        : []),
      equation("base e, nats", `\u2212ln ${show(probabilities[label])}`, loss),
      equation("base 2, bits", `${show(loss)} / ln 2`, loss / Math.LN2),
    );
  }

  list.addEventListener("change", refresh);
  return {
    title: "Cross-entropy",
    node: element("div", { className: "entropy" }, board),
    refresh,
  };
}

/**
 * What a softmax reads: its vector, or of maps the column of values at the place that is looked at.
 * @param {Model} model
 * @param {number} number   of the softmax
 */
function scoresOf(model, number) {
  const input = model.results[model.stages[number - 1].reads[0]];
  if (!input) return null;
  if (input.shape.length === 1) return input.values;
  const [height, width, channels] = input.shape;
  const [row, column] = model.selection?.stage === number ? model.selection.at : [0, 0];
  return Float32Array.from(range(channels), (map) => input.values[(map * height + row) * width + column]);
}
