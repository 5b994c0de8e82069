// The keys of a stage's text: what reads and writes the value of each, and how a person changes it.

/**
 * @typedef {object} Key
 * @property {string} key
 * @property {(text: string) => any} read
 * @property {(value: any) => string} show
 * @property {any} [fallback]  what is not written; undefined of what must be given
 * @property {boolean} [always]  whether the fallback is written too
 * @property {Omit<Control, "key" | "read" | "show">} control
 */

/**
 * What follows from the keys of a kind of stage: its text, what reads that, and its controls.
 *
 * @param {string} kind
 * @param {Key[]} keys  in the order of the text
 * @param {string} [bare]  the key of the first argument, which may be read without it
 * @param {boolean} [writtenBare]  whether it is written so
 * @returns {Pick<Kind, "text" | "parse" | "controls">}
 */
function worded(kind, keys, bare, writtenBare = false) {
  return {
    text(stage) {
      const isTold = (/** @type {Key} */ { key, show, fallback, always }) =>
        always || fallback === undefined || show(stage.keys[key]) !== show(fallback);
      const told = keys.filter(isTold).map(({ key, show }) =>
        `${writtenBare && key === bare ? "" : `${key}=`}${show(stage.keys[key])}`);
      return [kind, ...told].join(":");
    },
    parse(text) {
      const given = readArguments(text, keys.map(({ key }) => key), bare);
      const missing = keys.find(({ key, fallback }) => fallback === undefined && !(key in given));
      if (missing) throw new Mistake(`${kind} needs ${missing.key}`);
      return {
        keys: Object.fromEntries(keys.map(({ key, read, fallback }) =>
          [key, key in given ? read(given[key]) : structuredClone(fallback)])),
      };
    },
    controls: keys.map(({ key, read, show, control }) => ({ key, read, show, ...control })),
  };
}

/**
 * A finite number.
 *
 * @param {string} key
 * @param {string} label
 * @param {number | null} fallback  null of one that may be left out
 * @param {{least?: number, most?: number}} [limits]
 * @returns {Key}
 */
function numberKey(key, label, fallback, limits = {}) {
  return {
    key,
    fallback,
    read: (text) => {
      if (fallback === null && !text.trim()) return null;
      const value = readNumber(text);
      if (value < (limits.least ?? -Infinity) || value > (limits.most ?? Infinity)) {
        throw new Mistake(limits.most === undefined
          ? `${key} must be at least ${limits.least}, not ${showNumber(value)}`
          : `${key} must be from ${limits.least} to ${limits.most}, not ${showNumber(value)}`);
      }
      return value;
    },
    show: (value) => (value === null ? "" : showNumber(value)),
    control: { label, type: "number", ...limits },
  };
}

/**
 * A whole number.
 *
 * @param {string} key
 * @param {string} label
 * @param {number} [fallback]
 * @returns {Key}
 */
function wholeKey(key, label, fallback) {
  return {
    key,
    fallback,
    read: (text) => readWhole(text, key),
    show: String,
    control: { label, type: "whole", least: 1, most: LARGEST },
  };
}

/**
 * One of some words.
 *
 * @param {string} key
 * @param {string} label
 * @param {string[]} choices
 * @param {string} fallback
 * @returns {Key}
 */
function choiceKey(key, label, choices, fallback) {
  return {
    key,
    fallback,
    read: (text) => {
      const word = text.toLowerCase();
      if (!choices.includes(word)) throw new Mistake(`unknown ${key} ${quoted(text)} (known: ${choices.join(", ")})`);
      return word;
    },
    show: String,
    control: { label, type: "choice", choices },
  };
}

/**
 * A switch.
 *
 * @param {string} key
 * @param {string} label
 * @param {boolean} fallback
 * @returns {Key}
 */
function switchKey(key, label, fallback) {
  return {
    key,
    fallback,
    read: readSwitch,
    show: (value) => (value ? "yes" : "no"),
    control: { label, type: "check" },
  };
}

/**
 * Height and width.
 *
 * @param {string} key
 * @param {string} label
 * @param {Pair | null} [fallback]
 * @returns {Key}
 */
function pairKey(key, label, fallback) {
  return {
    key,
    fallback,
    read: (text) => readPair(text, key),
    show: (value) => (value === null ? "" : showPair(value)),
    control: { label, type: "pair", least: 1, most: LARGEST },
  };
}
