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
 * A stage from its text, which reads some results.
 *
 * @param {string} text
 * @param {number[]} reads
 * @returns {Stage}
 */
function readStage(text, reads) {
  const [, word, rest] = /** @type {RegExpExecArray} */ (/^\s*([^:]*)(?::(.*))?$/s.exec(text));
  const kind = word.trim().toLowerCase();
  const { keys, learned = {} } = kindOf({ kind }).parse(rest ?? "");
  return { kind, name: null, reads, keys, learned };
}
