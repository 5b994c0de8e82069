// Kernels: those of the catalogue, which Python embeds, and matrices.

/** @type {Map<string, Kernel>} */
const CATALOGUE = new Map();

const MOST_SIDE = 31; // of a matrix that a person writes on the page

/**
 * A kernel from its name, or from rows of numbers that end at `;`.
 *
 * @param {string} text
 * @returns {Kernel}
 */
function readKernel(text) {
  const known = CATALOGUE.get(text.trim());
  if (known) return known;
  const inner = text.trim().replace(/^\[(.*)\]$/s, "$1");
  if (!/^[-+.\d]/.test(inner)) throw new Mistake(`unknown kernel ${quoted(text)}`);
  const rows = inner.split(";").map((row) => row.trim()).filter(Boolean);
  const matrix = rows.map((row) => row.split(/[\s,]+/).map(readNumber));
  if (matrix.some((row) => row.length !== matrix[0].length)) {
    throw new Mistake(`the rows of a kernel must have one length, not ${matrix.map((row) => row.length).join(" and ")}`);
  }
  if (matrix.length > MOST_SIDE || matrix[0].length > MOST_SIDE) {
    throw new Mistake(`a kernel here has at most ${MOST_SIDE}x${MOST_SIDE} numbers`);
  }
  return custom(matrix);
}

/**
 * A person's own kernel.
 *
 * @param {number[][]} matrix
 * @returns {Kernel}
 */
function custom(matrix) {
  return { name: "custom", filters: [matrix], scale: [1, 1], combine: null };
}

/**
 * A kernel as a stage's text has it: its name, or its matrix.
 *
 * @param {Kernel} kernel
 */
function kernelText({ name, filters: [matrix] }) {
  if (name !== "custom") return name;
  const text = matrix.map((row) => row.map(showNumber).join(" ")).join("; ");
  return matrix.length === 1 && matrix[0].length === 1 ? `[${text}]` : text;
}
