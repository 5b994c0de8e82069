// The commands that do what the page does, and the files that they read where something was changed on the page.

const WEIGHTS_FILE = "weights.json";
const MOST_IN_JSON = 500_000; // numbers, some 6 MB; the command reads four times as many

/** @typedef {{name: string, blob: () => Blob}} SavedFile  a file that is made when it is asked for */

/**
 * The command of the present state, that which explains the selected value, that which gives its code, and the files
 * that they read beside what there was.
 *
 * @param {Model} model
 * @param {string} language  of the code: "torch", "keras" or "numpy"
 * @param {string[]} asked  what else the network may be asked about by `explain`: a line of its own, the last
 * @returns {{lines: {what: string, text: string}[], files: SavedFile[], missing: string}}
 */
function commandsOf(model, language = "torch", asked = []) {
  const { contents, stages, selection, picture } = model;
  const another = model.isPictureChanged ? pictureFile(picture, contents.picture.scale) : null;
  const input = (another?.name ?? contents.picture.file ?? "PICTURE").replace(/^-/, "./-"); // or it were an option
  const before = another ? "" : contents.before;
  const untold = untoldNumbers(model);
  const count = untold
    .flatMap((place) => Object.values(stages[place].learned))
    .reduce((sum, { values }) => sum + values.length, 0);
  const isLarge = count > MOST_IN_JSON;
  const told = stages.map((stage, place) => (untold.includes(place) ? withSource(stage, place) : stage));
  const network = networkText(told, contents.groups);
  const made = [before, network].filter(Boolean).length > 1 ? behind(before, contents, told) : before || network;
  const isBeginning = contents.whole !== null && !model.isChanged;
  const whole = isBeginning ? (contents.whole ?? "") : made;
  const line = (/** @type {string} */ what, /** @type {string[]} */ ...words) => ({
    what,
    text: ["cnnfilter", ...words].map(shellQuoted).join(" "),
  });
  const last = isBeginning ? ["--node", `${stages.length + stagesIn(before)}`] : [];
  const lines = [line("What the page does", "run", whole, input, ...last)];
  if (selection && selection.stage > 0) {
    const node = selection.stage === stages.length ? last : ["--node", `${selection.stage + stagesIn(before)}`];
    lines.push(line("The value that is looked at", "explain", whole, input, "--at", selection.at.join(), ...node));
  }
  lines.push(line("Its code", "shape", showShape(picture.shape), network, "--emit", language));
  if (asked.length) lines.push(line("What is asked", "explain", whole, input, ...asked, ...last));
  const files = another ? [another] : [];
  if (count && !isLarge) files.push({ name: WEIGHTS_FILE, blob: () => weightsFile(stages, untold) });
  return {
    lines,
    files,
    missing: isLarge ? `The ${grouped(count)} learned numbers are too many for a file that a page writes.` : "",
  };
}

/**
 * The command that tells a loss, and the gradient of a weight.
 *
 * @param {Model} model
 * @param {string[]} asked  what says which
 * @param {{number: number, at: number[], rate: number} | null} weight
 */
function lossCommand(model, asked, weight) {
  const before = model.isPictureChanged ? 0 : stagesIn(model.contents.before);
  const one = weight && ["--weight", [weight.number + before, ...weight.at].join(), "--lr", showNumber(weight.rate)];
  const { lines } = commandsOf(model, "torch", [...asked, ...(one ?? [])]);
  return lines[lines.length - 1].text;
}

/**
 * The text of the network behind what the picture went through, whose result has a name where several stages read it.
 *
 * @param {string} before
 * @param {Contents} contents
 * @param {Stage[]} stages
 */
function behind(before, { input, groups }, stages) {
  const name = input ?? `node${stagesIn(before)}`;
  const [plain, named] = ["in", name].map((each) => networkText(stages, groups, stages.length, each));
  return `${before}${plain === named || input !== null ? "" : `:as=${name}`},${named}`;
}

/**
 * How many stages a text has.
 *
 * @param {string} text
 */
function stagesIn(text) {
  return text ? splitText(text, ",").length : 0;
}

/**
 * The places of the stages whose learned numbers are not told by the text of the network: they were changed here, or
 * they came from the file of a network of which something was changed.
 *
 * @param {Model} model
 */
function untoldNumbers(model) {
  const isWhole = wholeGroups(model.stages, model.contents.groups);
  return range(model.stages.length).filter((place) => {
    const stage = model.stages[place];
    if (Object.keys(stage.learned).length === 0 || (stage.group != null && isWhole[stage.group])) return false;
    return model.isRelearned(stage) || !(stage.keys.file || stage.keys.numbers?.length);
  });
}

/**
 * A stage whose text says that its numbers are in the file that the page writes.
 *
 * @param {Stage} stage
 * @param {number} place
 * @returns {Stage}
 */
function withSource(stage, place) {
  const name = `name=stage${place + 1}`;
  const source = stage.keys.file ? { file: [WEIGHTS_FILE, name] } : { numbers: [`weights=${WEIGHTS_FILE}`, name] };
  return { ...stage, keys: { ...stage.keys, ...source } };
}

/**
 * The learned numbers of stages as a file that `weights=` and `conv:FILE` take: nested lists, by stage and name.
 *
 * @param {Stage[]} stages
 * @param {number[]} places
 */
function weightsFile(stages, places) {
  const layers = places.map((place) => {
    const arrays = Object.entries(stages[place].learned).map(([role, array]) => `"${role}": ${nestedText(array)}`);
    return `"stage${place + 1}": {${arrays.join(",\n")}}`;
  });
  return new Blob([`{${layers.join(",\n")}}\n`], { type: "application/json" });
}

/**
 * An array as nested lists of JSON, in as many digits as float32 has.
 *
 * @param {Learned} array
 */
function nestedText({ shape, values }) {
  let texts = Array.from(values, (value) => String(Number(value.toPrecision(9))));
  for (const size of [...shape].reverse()) {
    texts = range(texts.length / size).map((place) => `[${texts.slice(place * size, (place + 1) * size).join(", ")}]`);
  }
  return texts.join();
}
