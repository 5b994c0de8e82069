// @ts-check
// One map of a stage: its input with the window, the window large, the map itself, and the arithmetic of one value.

/** Pixels along the longer side of a large map's canvas. */
const LARGE = 640;
/** Numbers of a vector that are shown as bars; of more, those of the largest magnitude. */
const DETAIL_BARS = 12;
const BOARD_HELP =
  "Move over the output, or use the arrow keys (with Shift 10 at a time); space plays, Enter or a click pins, " +
  "Page Up and Page Down change the map.";
/** Steps back that are written out until one has a sum of its own. */
const MOST_STEPS = 4;
/** The kinds of steps that say little without the one before. */
const BRIEF_STEPS = new Set(["function", "copy", "join", "flatten"]);

/**
 * The detail of the map that is looked at.
 * @param {Model} model
 * @returns {HTMLElement}
 */
function detailView(model) {
  return new Detail(model).element;
}

class Detail {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.kept = new Kept();
    this.player = new Player(() => this.#next());
    this.board = new Board(model, this.player, "board-help");
    this.lens = new Lens();
    this.announcer = new Announcer();
    /** @type {InputFigure[]} */
    this.inputs = [];
    /** @type {{maps: Maps, map: number, isDark: boolean} | null} what is painted of the output */
    this.painted = null;
    this.head = new DetailHead(model);
    this.inputHolder = element("div", { className: "inputs" });
    this.outputCaption = element("figcaption", { className: "soft small" });
    this.lensCaption = element("figcaption", { className: "soft small" });
    this.lensText = element("p", { className: "soft small" });
    this.lensFigure = element("figure", { className: "zoom" }, this.lensCaption, this.lens.element, this.lensText);
    this.readout = element("output", { className: "readout" });
    this.bars = element("div", {});
    this.pin = element("button", { type: "button", className: "button" }, "Pin");
    this.pin.addEventListener("click", () => this.#pin());
    this.work = element("div", { className: "work" });
    this.mistake = element("p", { className: "mistake", hidden: true });
    this.bench = element(
      "div",
      { className: "bench" },
      this.inputHolder,
      this.lensFigure,
      element("figure", { className: "output" }, this.outputCaption, this.board.element, this.bars),
    );
    const help = element("p", { className: "soft small no-print", id: "board-help" }, BOARD_HELP);
    this.controls = element("div", { className: "row play-bar" }, this.player.element, this.pin, this.readout);
    const delta = new DeltaBox(model).element;
    this.body = element("div", { className: "detail-body" }, this.bench, this.controls, help, this.work, delta);
    this.element = element(
      "section",
      { className: "panel detail", "aria-label": "Detail" },
      this.head.element,
      this.mistake,
      this.body,
      this.announcer.element,
    );
    model.addEventListener("selected", () => this.#update());
    model.addEventListener("computed", () => this.#update());
    darkness.addEventListener("change", () => this.#update());
    this.#update();
  }

  #next() {
    const { selection } = this.model;
    if (!selection || !this.model.results[selection.stage]) return;
    selectAt(this.model, selection.stage, placeAfter(shapeOf(this.model, selection.stage), selection.at), false);
  }

  #pin() {
    const { selection } = this.model;
    if (selection) selectAt(this.model, selection.stage, selection.at, !selection.pinned);
  }

  #update() {
    const { model } = this;
    const { selection } = model;
    const maps = selection ? model.results[selection.stage] : null;
    if (selection && !maps && !model.mistakes[selection.stage]) return; // it is being computed
    this.head.update();
    this.body.hidden = !selection || !maps;
    const mistake = selection ? (model.mistakes[selection.stage] ?? null) : null;
    this.mistake.hidden = mistake === null;
    write(this.mistake, mistake ?? "");
    if (!selection || !maps) return;
    const steps = this.#steps(selection);
    this.#output(selection, maps);
    this.#inputs(selection);
    this.#lens(selection, steps[0]);
    this.#work(steps);
    const [where, value] = [`${placeText(selection.at)} = `, shown(steps[0].value)];
    this.readout.replaceChildren(where, element("span", { className: "answer" }, value));
    this.pin.setAttribute("aria-pressed", String(selection.pinned));
    write(this.pin, selection.pinned ? "Pinned" : "Pin");
    if (!this.player.isPlaying) this.announcer.say(where + value);
  }

  /** @param {Chosen} selection @param {Maps} maps */
  #output({ stage, at, pinned }, maps) {
    const map = at.length === 1 ? 0 : at[2];
    const isDark = isDarkNow();
    const { painted, board } = this;
    if (painted?.maps !== maps || painted.map !== map || painted.isDark !== isDark) {
      this.painted = { maps, map, isDark };
      board.frame.paint(gridOf(maps, map), coloursFor(this.model, stage), LARGE);
      const size =
        maps.shape.length === 1 ? `${maps.shape[0]} numbers` : `${maps.shape[0]}x${maps.shape[1]}, map ${map}`;
      write(this.outputCaption, `output: ${size}`);
      board.element.setAttribute("aria-label", `output of ${stageTitle(this.model, stage)}, ${size}`);
      this.bars.replaceChildren(...(maps.shape.length === 1 ? [this.#barsOf(stage, maps)] : []));
    }
    board.frame.outline(
      "here",
      partOf(
        maps.shape,
        at.map((index) => [index, index]),
      ),
    );
    board.element.classList.toggle("pinned", pinned);
    if (at.length === 1) markBar(this.bars, at[0]);
  }

  /** A vector's numbers as bars. @param {number} stage @param {Maps} maps */
  #barsOf(stage, maps) {
    const labels = labelsOf(this.model, stage);
    const isShare = this.model.stages[stage - 1].kind === "softmax";
    const choose = (/** @type {number} */ index) => selectAt(this.model, stage, [index]);
    return bars(maps.values, { labels, isShare, count: DETAIL_BARS, choose });
  }

  /** @param {Chosen} selection */
  #inputs({ stage, at }) {
    const { reads } = this.model.stages[stage - 1];
    if (this.inputs.length !== reads.length) {
      this.inputs = reads.map(() => new InputFigure(this.model, () => this.#update()));
      this.inputHolder.replaceChildren(...this.inputs.map((each) => each.element));
    }
    const regions = regionsRead(this.model, stage, at);
    reads.forEach((read, i) => this.inputs[i].show(read, blockOf(regions[i])));
  }

  /** @param {Chosen} selection @param {any} step */
  #lens({ stage, at }, step) {
    const sight = this.inputs.length === 1 ? sightOf(this.model, stage, at, step, this.inputs[0].map) : null;
    this.lensFigure.hidden = sight === null;
    this.bench.classList.toggle("without-lens", sight === null);
    this.bench.classList.toggle("of-many", this.inputs.length > 1);
    if (!sight) return;
    this.lens.draw(sight);
    const [caption, text] = lensTexts(sight);
    write(this.lensCaption, caption);
    write(this.lensText, text);
  }

  /**
   * The step of a value, and those before it until one is a sum.
   * @param {Chosen} selection
   */
  #steps({ stage, at }) {
    const steps = [];
    /** @type {{number: number, at: Place} | null} */
    let next = { number: stage, at };
    while (next && next.number > 0 && steps.length < MOST_STEPS) {
      /** @type {any} */
      const step = { number: next.number, ...this.model.step(next.number, next.at) };
      steps.push(step);
      if (!BRIEF_STEPS.has(step.kind)) break;
      next = step.follows && { number: followedBy(this.model, step), at: step.follows };
    }
    return steps;
  }

  /** Writes steps, the value's own first. @param {any[]} steps */
  #work(steps) {
    const parts = steps.map((step, i) => {
      const read = followedBy(this.model, step);
      const follows = read > 0 ? step.follows : null;
      const desk = {
        kept: this.kept,
        key: String(i),
        scale: coloursFor(this.model, read),
        follows,
        labels: labelsOf(this.model, step.number),
      };
      const place = element("span", { className: "soft" }, placeText(step.at));
      const title = element("h3", {}, `${stageTitle(this.model, step.number)} `, place);
      const onward = i ? [] : this.#onward(step);
      const box = this.kept.box(String(i), "step", title, ...writeStep(step, desk), ...onward);
      box.dataset.stage = String(step.number);
      box.dataset.map = String(step.at[2] ?? 0);
      return box;
    });
    arrange(this.work, parts);
  }

  /** What the functions of single values that follow make of the value. @param {any} step @returns {HTMLElement[]} */
  #onward(step) {
    const lines = [];
    let { number, at } = step;
    for (;;) {
      const next = onlyReader(this.model, number);
      if (!next || !isPointwise(this.model, next, at)) break;
      const after = this.model.step(next, at);
      if (after.kind !== "function") break;
      const line = equation(`then ${next} ${this.model.stages[next - 1].kind}`, after.formula, after.value);
      line.classList.add("onward"); // its formula holds the result
      lines.push(line);
      number = next;
    }
    return lines;
  }
}

/** The number of the result in which the value lies that a step follows. @param {Model} model @param {any} step */
function followedBy(model, step) {
  return model.stages[step.number - 1].reads[step.source ?? 0];
}

/** The stage that alone reads a result; null if there are more or none. @param {Model} model @param {number} number */
function onlyReader(model, number) {
  const readers = model.stages.flatMap((stage, i) => (stage.reads.includes(number) ? [i + 1] : []));
  return readers.length === 1 && model.results[readers[0]] ? readers[0] : null;
}

/**
 * Whether a stage's value is made of that at the same place.
 * @param {Model} model
 * @param {number} number
 * @param {Place} at
 */
function isPointwise(model, number, at) {
  const [read] = model.stages[number - 1].reads;
  if (!isSame(shapeOf(model, number), shapeOf(model, read))) return false;
  const blocks = regionsRead(model, number, at).map(blockOf);
  return blocks.every((block) => block?.every(([first, last], axis) => first === at[axis] && last === at[axis]));
}
