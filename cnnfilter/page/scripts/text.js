// The text of stages: sizes and paddings as they are written and read, and how a text is taken apart.

const LARGEST = 1_000_000; // the largest window, stride, dilation or padding

const FLOAT32_MAX = 3.4028234663852886e38;

const NUMBER = /^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?:\/((?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?))?\s*$/i;
const LONGEST_NUMBER = 100; // characters: the time that `NUMBER` takes grows with their square

/**
 * The number of a text; a fraction such as 1/9 is one.
 *
 * @param {string} text
 * @returns {number}
 */
function readNumber(text) {
  const match = text.length > LONGEST_NUMBER ? null : NUMBER.exec(text);
  if (!match) throw new Mistake(`${quoted(text)} is not a number`);
  const value = Number(match[1]) / (match[2] === undefined ? 1 : Number(match[2]));
  if (match[2] !== undefined && Number(match[2]) === 0) throw new Mistake(`${quoted(text)} divides by zero`);
  if (!(Math.abs(value) <= FLOAT32_MAX)) {
    throw new Mistake(`${quoted(text)} is too large for float32 (at most 3.4e+38)`);
  }
  return value + 0;
}

/**
 * A text of a person as a message repeats it: in quotes, and cut where it is long.
 *
 * @param {string} text
 */
function quoted(text) {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text).slice(1, -1).replace(/\\"/g, '"');
  return shown.includes("'") ? `"${shown}"` : `'${shown}'`;
}

/**
 * A window, stride or dilation in its shortest form, `2` or `2x1`.
 *
 * @param {Pair} pair
 */
function showPair(pair) {
  return pair[0] === pair[1] ? `${pair[0]}` : `${pair[0]}x${pair[1]}`;
}

/**
 * A padding in its shortest form: `same`, `1`, `1x2`, `1+2x0+3`.
 *
 * @param {Padding} padding
 */
function showPadding(padding) {
  if (typeof padding === "string") return padding;
  if (padding.every(([begin, end]) => begin === end)) return showPair([padding[0][0], padding[1][0]]);
  return padding.map(([begin, end]) => `${begin}+${end}`).join("x");
}

/**
 * A size as people write it, `28x28x1`.
 *
 * @param {Shape} shape
 */
function showShape(shape) {
  return shape.join("x");
}

/**
 * A whole number from a text.
 *
 * @param {string} text
 * @param {string} name  what it is, for the message
 * @param {number} least
 * @param {number} most
 */
function readWhole(text, name, least = 1, most = LARGEST) {
  const value = /^\s*[-+]?\d{1,9}\s*$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(value)) throw new Mistake(`${name} must be a whole number, not ${quoted(text)}`);
  if (value < least) throw new Mistake(`${name} must be at least ${least}, not ${value}`);
  if (value > most) throw new Mistake(`${name} must be at most ${most}, not ${value}`);
  return value;
}

/**
 * A window, a stride or a dilation from a text.
 *
 * @param {string} text
 * @param {string} name
 * @returns {Pair}
 */
function readPair(text, name) {
  const parts = text.toLowerCase().split("x");
  if (parts.length > 2 || parts.some((part) => !part.trim())) {
    throw new Mistake(`${name} takes one number or two (HEIGHTxWIDTH), not ${quoted(text)}`);
  }
  return [readWhole(parts[0], name), readWhole(parts[parts.length - 1], name)];
}

/**
 * A padding from a text.
 *
 * @param {string} text
 * @param {number} least
 * @returns {Padding}
 */
function readPadding(text, least = 0) {
  const word = text.trim().toLowerCase().replaceAll("_", "-");
  if (word === "same" || word === "same-lower") return word;
  if (word === "valid") return [[0, 0], [0, 0]];
  const axes = word.split("x").map((axis) => axis.split("+"));
  if (!/^[-+\dx ]+$/.test(word) || axes.length > 2 || axes.some((sides) => sides.length > 2)) {
    throw new Mistake(`padding must be a number, HxW, T+BxL+R, valid, same or same-lower, not ${quoted(text)}`);
  }
  const [vertical, horizontal] = [axes[0], axes[axes.length - 1]].map(
    (sides) => /** @type {Pair} */ ([sides[0], sides[sides.length - 1]].map((side) => readWhole(side, "padding", least))),
  );
  return [vertical, horizontal];
}

const BORDERS = ["zeros", "replicate", "reflect", "symmetric", "circular"];

/**
 * What the padding holds, from a text: one of `BORDERS`, or `constant=V`.
 *
 * @param {string} text
 */
function readBorder(text) {
  const word = text.trim().toLowerCase();
  if (BORDERS.includes(word)) return word;
  if (!word.startsWith("constant=")) {
    throw new Mistake(`unknown border ${quoted(text)} (known: ${BORDERS.join(", ")}, constant=V)`);
  }
  const value = readNumber(word.slice("constant=".length));
  return value === 0 ? "zeros" : `constant=${showNumber(value)}`;
}

/**
 * A switch, as it is written in a stage.
 *
 * @param {string} text
 */
function readSwitch(text) {
  const word = text.trim().toLowerCase();
  if (!["yes", "true", "1", "no", "false", "0"].includes(word)) throw new Mistake(`${quoted(text)} must be yes or no`);
  return ["yes", "true", "1"].includes(word);
}

/**
 * Split a text where a separator stands without a backslash.
 *
 * @param {string} text
 * @param {string} separator
 */
function splitText(text, separator) {
  const parts = [""];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === separator) parts.push("");
    else parts[parts.length - 1] += text[i] === "\\" ? text[i] + (text[++i] ?? "") : text[i];
  }
  return parts.map((part) => part.trim());
}

/**
 * The arguments of a stage by key; the first may stand without its key.
 *
 * @param {string} text  what stands behind the stage's name and its colon
 * @param {string[]} known  the keys that there are
 * @param {string} [bare]  the key of the first argument
 * @returns {Record<string, string>}
 */
function readArguments(text, known, bare) {
  /** @type {Record<string, string>} */
  const given = {};
  for (const [place, part] of (text.trim() ? splitText(text, ":") : []).entries()) {
    const equals = part.indexOf("=");
    const key = equals < 0 && place === 0 && bare ? bare : part.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    if (!known.includes(key)) {
      throw new Mistake(`unknown argument ${quoted(part)}${known.length ? ` (known: ${known.join(", ")})` : ""}`);
    }
    if (key in given) throw new Mistake(`${key} is given twice`);
    given[key] = part.slice(equals + 1).trim();
  }
  return given;
}

/**
 * A key's text as `key=text`, nothing where it has its default.
 *
 * @param {Record<string, [string, boolean]>} options  text, and whether it is not the default
 */
function showOptions(options) {
  return Object.entries(options).filter(([, [, given]]) => given).map(([key, [text]]) => `${key}=${text}`);
}

/**
 * A name or a path with a backslash before what would split it, as a stage's text has it.
 *
 * @param {string} text
 */
function escapeText(text) {
  const [drive] = /^[A-Za-z]:(?=[\\/])/.exec(text) ?? [""];
  const rest = text.slice(drive.length);
  return drive + rest.replace(/(?<!\\)(\\*)([,:+]|$)/g, (_, slashes, mark) => slashes + slashes + (mark && `\\${mark}`));
}

/**
 * The text that `escapeText` was given.
 *
 * @param {string} text
 */
function unescapeText(text) {
  return text.replace(/(?<!\\)(\\+)([,:+]|$)/g, (_, slashes, mark) =>
    "\\".repeat(Math.floor((slashes.length + (mark ? 0 : 1)) / 2)) + mark);
}

/**
 * A whole number with commas between its thousands.
 *
 * @param {number} value
 */
function grouped(value) {
  return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

/**
 * A text as an argument of a shell's command, without what would steer a terminal that it is copied to, or hide a part.
 *
 * @param {string} text
 */
function shellQuoted(text) {
  const safe = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
  if (/^[\w@%+=:,./-]+$/.test(safe)) return safe;
  return /["$\x60\\!?]/.test(safe) ? `'${safe.replaceAll("'", `'"'"'`)}'` : `"${safe}"`;
}

/**
 * Which words a wrong one may have been meant as; empty if none is near.
 *
 * @param {string} wrong
 * @param {string[]} known
 */
function meant(wrong, known) {
  const plain = wrong.trim().toLowerCase();
  const isNear = (/** @type {string} */ word) =>
    word.includes(plain) || plain.includes(word) || (plain.length > 3 && word.startsWith(plain.slice(0, 4)));
  const near = plain.length < 3 ? [] : known.filter(isNear);
  return near.length ? `; did you mean ${near.join(" or ")}?` : "";
}
