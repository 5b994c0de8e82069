// @ts-check
// Colours of numbers: grey as long as maps are pictures, then blue and red around 0.

/**
 * A scale of colours: grey from `low` to `high`, or blue, white (in the dark black) and red around 0.
 * @typedef {{signed: boolean, low: number, high: number}} Scale
 */

const NOT_FINITE = [255, 0, 255];

const darkness = window.matchMedia("(prefers-color-scheme: dark)");

/** Whether the page is being printed: paper is never dark. */
let isPaper = false;

for (const [moment, isBegun] of /** @type {const} */ ([
  ["beforeprint", true],
  ["afterprint", false],
])) {
  window.addEventListener(moment, () => {
    isPaper = isBegun;
    darkness.dispatchEvent(new Event("change"));
  });
}

/** Whether what is drawn is drawn for the dark. */
function isDarkNow() {
  return darkness.matches && !isPaper;
}

/**
 * The colour of a signed magnitude from -1 to 1: Oklab's blue and red, with lightness falling evenly from white as in
 * `imaging/colormaps.py`, or in the dark rising from black.
 * @param {number} signed
 * @param {boolean} dark
 * @returns {number[]} red, green, blue
 */
function signedColour(signed, dark) {
  const magnitude = Math.abs(signed);
  const lightness = dark ? 0.2 + 0.58 * magnitude : 0.97 - 0.6 * magnitude;
  const chroma = dark
    ? magnitude * (0.2 - 0.03 * magnitude)
    : magnitude * (0.34 + 0.11 * magnitude - 0.32 * magnitude ** 2);
  const hue = ((signed < 0 ? 258 : 30) * Math.PI) / 180;
  const [a, b] = [chroma * Math.cos(hue), chroma * Math.sin(hue)];
  const cones = [
    lightness + 0.3963377774 * a + 0.2158037573 * b,
    lightness - 0.1055613458 * a - 0.0638541728 * b,
    lightness - 0.0894841775 * a - 1.291485548 * b,
  ].map((root) => root ** 3);
  const linear = [
    4.0767416621 * cones[0] - 3.3077115913 * cones[1] + 0.2309699292 * cones[2],
    -1.2684380046 * cones[0] + 2.6097574011 * cones[1] - 0.3413193965 * cones[2],
    -0.0041960863 * cones[0] - 0.7034186147 * cones[1] + 1.707614701 * cones[2],
  ];
  return linear.map((light) => {
    const encoded = light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, encoded)));
  });
}

/**
 * 255 colours from -1 to 1, three bytes each.
 * @param {boolean} dark
 */
function signedTable(dark) {
  return Uint8Array.from(Array.from({ length: 255 }, (_, i) => signedColour((i - 127) / 127, dark)).flat());
}

const GREY_TABLE = Uint8Array.from(
  Array.from({ length: 255 }, (_, i) => Array(3).fill(Math.round((i * 255) / 254))).flat(),
);
const SIGNED_TABLES = { light: signedTable(false), dark: signedTable(true) };

/**
 * The colours of a scale, 255 of three bytes.
 * @param {Scale} scale
 */
function tableOf(scale) {
  return scale.signed ? SIGNED_TABLES[isDarkNow() ? "dark" : "light"] : GREY_TABLE;
}

/**
 * The colour of a value, as red, green, blue.
 * @param {number} value
 * @param {Scale} scale
 * @returns {number[]}
 */
function colourOf(value, scale) {
  if (!Number.isFinite(value)) return NOT_FINITE;
  const table = tableOf(scale);
  const share = scale.high > scale.low ? (value - scale.low) / (scale.high - scale.low) : 0.5;
  const place = 3 * Math.round(254 * Math.min(1, Math.max(0, share)));
  return [table[place], table[place + 1], table[place + 2]];
}

/**
 * Whether black can be read on a colour better than white.
 * @param {number[]} colour
 */
function isLight(colour) {
  const [r, g, b] = colour.map((level) => (level / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18;
}

/**
 * Lets an element have a colour, and a text that can be read on it, or again those of its style.
 * @param {HTMLElement} cell
 * @param {number[] | null} colour
 */
function colourCell(cell, colour) {
  cell.style.backgroundColor = colour ? `rgb(${colour.join(" ")})` : "";
  cell.style.color = colour ? (isLight(colour) ? "#000" : "#fff") : "";
}

/**
 * Lets an element have the colour of a value.
 * @param {HTMLElement} cell
 * @param {number} value
 * @param {Scale} scale
 */
function paintCell(cell, value, scale) {
  colourCell(cell, colourOf(value, scale));
}

/** @type {WeakMap<Maps, [number, number]>} */
const knownRanges = new WeakMap();

/**
 * The least and the largest finite value of some maps.
 * @param {Maps} maps
 * @returns {[number, number]}
 */
function rangeOf(maps) {
  const known = knownRanges.get(maps);
  if (known) return known;
  let [low, high] = [Infinity, -Infinity];
  for (const value of maps.values) {
    if (value < low && value > -Infinity) low = value;
    if (value > high && value < Infinity) high = value;
  }
  /** @type {[number, number]} */
  const found = low > high ? [0, 0] : [low, high];
  knownRanges.set(maps, found);
  return found;
}

/**
 * Whether a result is shown around 0: it, or one that it is made of, has a value below 0. Until then maps are pictures.
 * @param {Model} model
 * @param {number} number
 */
function isSigned(model, number) {
  const seen = new Set();
  const open = [number];
  while (open.length) {
    const next = /** @type {number} */ (open.pop());
    if (seen.has(next)) continue;
    seen.add(next);
    const maps = model.results[next];
    if (maps && rangeOf(maps)[0] < 0) return true;
    if (next > 0) open.push(...model.stages[next - 1].reads);
  }
  return false;
}

/**
 * The scale that all maps of a result share.
 * @param {Model} model
 * @param {number} number
 * @returns {Scale}
 */
function coloursFor(model, number) {
  const maps = model.results[number];
  const [low, high] = maps ? rangeOf(maps) : [0, 0];
  if (isSigned(model, number)) {
    const largest = Math.max(Math.abs(low), Math.abs(high)) || 1;
    return { signed: true, low: -largest, high: largest };
  }
  return { signed: false, low: 0, high: Math.max(high, whiteOf(model, number)) };
}

/**
 * What is white where maps are pictures: that of the picture, unless a stage changed what values mean. Numbers that
 * somebody typed are no levels of brightness: of those the largest is white.
 * @param {Model} model
 * @param {number} number
 * @returns {number}
 */
function whiteOf(model, number) {
  if (number > 0 && !KEEP_WHITE.has(model.stages[number - 1].kind)) return 0;
  if (number > 0) return whiteOf(model, model.stages[number - 1].reads[0]);
  const [, high] = model.results[0] ? rangeOf(model.results[0]) : [0, 1];
  return high < FEW_LEVELS ? Math.max(high, 1) : high <= 255 ? 255 : 65535;
}

/** A picture whose largest value is below this is no photo of 8 bits. */
const FEW_LEVELS = 32;

/** The kinds of stages whose values are a picture's as long as what they read is one. */
const KEEP_WHITE = new Set([
  "gray",
  "rgb",
  "resize",
  "crop",
  "pad",
  "maxpool",
  "avgpool",
  "upsample",
  "relu",
  "dropout",
]);
