// Kernels: those of the catalogue, which Python embeds, and matrices.

/** @type {Map<string, Kernel>} */
const CATALOGUE = new Map();

const MOST_SIDE = 31; // of a matrix that a person writes on the page

/**
 * The kernels of a stage: a matrix, or names between `+`.
 *
 * @param {string} text
 */
function readKernels(text) {
  return /^\s*[-+.[\d]/.test(text) ? [readKernel(text)] : splitText(text, "+").map(readKernel);
}

/**
 * A kernel from its name, or from rows of numbers that end at `;`.
 *
 * @param {string} text
 * @returns {Kernel}
 */
function readKernel(text) {
  const known = CATALOGUE.get(text.trim());
  if (known) return known;
  if (/^\s*\d+\s*$/.test(text)) {
    throw new Mistake(`a number alone is no kernel; write [${text.trim()}] for the matrix of it`);
  }
  if (/^\s*(\d*@|\d+(x\d+)+)/.test(text)) {
    throw new Mistake(`a page has no learned numbers for ${quoted(text.trim())}; give a kernel, such as sobel-x, or a matrix`);
  }
  const inner = text.trim().replace(/^\[(.*)\]$/s, "$1");
  if (!/^[-+.\d]/.test(inner)) throw new Mistake(`unknown kernel ${quoted(text)}${meant(text, [...CATALOGUE.keys()])}`);
  const rows = inner.split(";").map((row) => row.trim()).filter(Boolean);
  const cells = rows.map((row) => row.split(/[\s,]+/));
  const scale = commonScale(cells.flat());
  const matrix = cells.map((row) => row.map((cell) => (scale === 1 ? readNumber(cell) : readNumber(cell.split("/")[0]))));
  if (matrix.some((row) => row.length !== matrix[0].length)) {
    throw new Mistake(`the rows of a kernel must have one length, not ${matrix.map((row) => row.length).join(" and ")}`);
  }
  if (matrix.length > MOST_SIDE || matrix[0].length > MOST_SIDE) {
    throw new Mistake(`a kernel here has at most ${MOST_SIDE}x${MOST_SIDE} numbers`);
  }
  return { name: "custom", filters: [matrix], scale: [1, scale], combine: null };
}

/**
 * What all numbers of a matrix are divided by, where they are fractions with one divisor; else 1.
 *
 * @param {string[]} cells
 */
function commonScale(cells) {
  const divisors = new Set(cells.filter((cell) => cell !== "0").map((cell) => cell.split("/")[1]));
  const [divisor] = divisors;
  return divisors.size === 1 && divisor && cells.every((cell) => Number.isFinite(readNumber(cell))) ? readNumber(divisor) : 1;
}

/**
 * A kernel as a stage's text has it: its name, or its matrix.
 *
 * @param {Kernel} kernel
 */
function kernelText({ name, filters: [matrix], scale: [numerator, denominator] }) {
  if (name !== "custom") return name;
  const written = (/** @type {number} */ value) => {
    if (numerator === 1 && denominator !== 1 && value !== 0) return `${showNumber(value)}/${denominator}`;
    return showNumber((value * numerator) / denominator);
  };
  const text = matrix.map((row) => row.map(written).join(" ")).join("; ");
  return matrix.length === 1 && matrix[0].length === 1 ? `[${text}]` : text;
}

/** What can be changed of convolutions and of transposed ones alike. @type {Control[]} */
const FILTER_CONTROLS = [
  { key: "kernels", label: "kernel", type: "kernel", when: (stage) => stage.keys.kernels.length > 0 },
  { key: "learned.weight", label: "weights", type: "weights", when: (stage) => Boolean(stage.learned.weight) },
  { key: "learned.bias", label: "learned bias", type: "weights", when: (stage) => Boolean(stage.learned.bias) },
  { key: "stride", label: "stride", type: "pair" },
  { key: "padding", label: "padding", type: "padding" },
];
