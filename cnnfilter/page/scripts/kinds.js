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
  if (!kind) throw new Mistake(`unknown stage ${quoted(stage.kind)} (known: ${Object.keys(KINDS).join(", ")})`);
  return kind;
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
  const kind = word.toLowerCase();
  const [named, others] = [parts.filter(isName), parts.filter((part) => !isName(part))];
  const { keys, learned = {}, names } = kindOf({ kind }).parse(others.join(":"));
  return { kind, name: freeName(named, stages), reads: joinedReads(names, stages.slice(0, after)), keys, learned };
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
