/**
 * What the page knows of each kind of stage. Each file in `stages/` adds its own.
 *
 * @type {Record<string, Kind>}
 */
const KINDS = {};

/** What stages know of the picture that enters the network: its full scale, by which `normalize` divides. */
const PICTURE = { scale: 1 };

/**
 * What is known of a stage's kind.
 *
 * @param {{kind: string}} stage
 * @returns {Kind}
 */
function kindOf(stage) {
  const kind = Object.hasOwn(KINDS, stage.kind) ? KINDS[stage.kind] : undefined;
  if (!kind) throw new Mistake(unknownStage(stage.kind));
  return kind;
}

/**
 * What is said of a word that is no stage: which may have been meant.
 *
 * @param {string} word
 */
function unknownStage(word) {
  if (CATALOGUE.has(word)) return `a kernel is no stage by itself; write ${quoted(`conv:${word}`)}`;
  const kinds = Object.keys(KINDS);
  return `unknown stage ${quoted(word)}${meant(word, kinds) || ` (known: ${kinds.join(", ")})`}`;
}

/**
 * The kind of stage that a word is, in capitals or not, with or without underscores.
 *
 * @param {string} word
 */
function kindNamed(word) {
  const plain = (/** @type {string} */ name) => name.replace(/[-_]/g, "").toLowerCase();
  const alias = Object.keys(ACTIVATIONS).find((name) => ACTIVATIONS[name].aliases.includes(plain(word)));
  return alias ?? Object.keys(KINDS).find((name) => plain(name) === plain(word)) ?? word;
}

/**
 * A stage from its text, to stand behind one of others.
 *
 * @param {string} text
 * @param {Stage[]} stages
 * @param {number} after  that one's number
 * @returns {Stage}
 */
function readStage(text, stages, after) {
  const [word, ...parts] = splitText(text, ":");
  const kind = kindNamed(word);
  const [named, others] = [parts.filter(isName), parts.filter((part) => !isName(part))];
  const { keys, learned = {}, names } = kindOf({ kind }).parse(others.join(":"));
  const reads = joinedReads(names, stages.slice(0, after));
  if (names && reads.length < 2) {
    throw new Mistake(`joins the stage before with nothing; name another stage, or write ${kind}:last+last`);
  }
  return { kind, name: freeName(named, stages), reads, keys, learned };
}

/** @param {string} part  an argument of a stage's text */
function isName(part) {
  return /^as\s*=/i.test(part);
}

/**
 * What a stage calls itself, a name that no other has.
 *
 * @param {string[]} named  its arguments that name it
 * @param {Stage[]} stages
 */
function freeName(named, stages) {
  if (!named.length) return null;
  const name = unescapeText(named[named.length - 1].replace(/^as\s*=\s*/i, ""));
  if (["", "in", "last"].includes(name)) throw new Mistake(`${quoted(name)} is no name that a stage may have`);
  const place = stages.findIndex((stage) => namesOf(stage).includes(name));
  if (place >= 0) throw new Mistake(`${quoted(name)} is the name of stage ${place + 1} already`);
  return name;
}

/**
 * What a stage behind others reads: what it names, and then the one before, unless that is among it.
 *
 * @param {string[]} names
 * @param {Stage[]} stages
 */
function joinedReads(names = [], stages) {
  const last = stages.length;
  const reads = names.map((text) => {
    const name = unescapeText(text);
    const number = name === "in" ? 0 : name === "last" ? last : 1 + stages.findIndex((stage) => namesOf(stage).includes(name));
    if (number || name === "in") return number;
    const known = ["in", ...stages.flatMap(namesOf)].slice(0, 20).join(", ");
    throw new Mistake(`no stage before it is named ${quoted(name)} (known: ${known})`);
  });
  return reads.includes(last) ? reads : [...reads, last];
}

/**
 * The stages that lead to one, the nearest first, back to the picture or to where branches meet.
 *
 * @param {Stage[]} stages
 * @param {Stage} stage
 */
function leadingTo(stages, stage) {
  const found = [];
  for (let next = stage; next.reads.length === 1 && next.reads[0] > 0; ) {
    next = stages[next.reads[0] - 1];
    found.push(next);
  }
  return found;
}
