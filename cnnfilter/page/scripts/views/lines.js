// @ts-check
// Lines and lists of arithmetic, as they stand below each other in a worked step.

/** Terms of a sum that is written out. */
const MOST_SUMMED = 9;

/** A number of a record as it is written on a board. @param {number | string} value */
function shown(value) {
  return show(numberOf(value));
}

/** @param {Place} place */
function placeText(place) {
  return place.length === 1 ? `index ${place[0]}` : `row ${place[0]}, column ${place[1]}, map ${place[2]}`;
}

/** @param {string} word @param {number} first @param {number} last */
function spanText(word, first, last) {
  return first === last ? `${word} ${first}` : `${word}s ${first} to ${last}`;
}

/**
 * Where a window lies.
 * @param {{rows: number[], columns: number[]}} window
 */
function extentText({ rows, columns }) {
  const [down, along] = [rows, columns].map((places) => [places[0], places[places.length - 1]]);
  return `${spanText("row", down[0], down[1])}, ${spanText("column", along[0], along[1])}`;
}

/**
 * A line of arithmetic, which may say what it is.
 * @param {string} label
 * @param {...(Node | string)} parts
 */
function fact(label, ...parts) {
  const sum = element("span", { className: "sum" }, ...parts);
  return element("p", { className: "equation" }, ...(label ? [element("span", {}, label)] : []), sum);
}

/**
 * A line of arithmetic that ends in its result.
 * @param {string} label
 * @param {string} text
 * @param {number | string} result
 */
function equation(label, text, result) {
  return fact(label, `${text} = `, element("strong", {}, shown(result)));
}

/**
 * A line with the terms of a sum, or with how many there are.
 * @param {string} label
 * @param {(number | string)[]} terms
 * @param {number | string} result
 * @param {string} many
 */
function sumLine(label, terms, result, many) {
  const isShort = terms.length > 1 && terms.length <= MOST_SUMMED;
  if (isShort) return equation(label, showSum(terms.map(numberOf)), result);
  return fact(many, "= ", element("strong", {}, shown(result)));
}

/** A table with the sign before it. @param {string} sign @param {HTMLElement} table */
function factor(sign, table) {
  return element("div", { className: "factor" }, element("span", { className: "sign" }, sign), table);
}

/** @param {number} index @param {string[] | null} labels */
function labelled(index, labels) {
  return labels?.[index] ? `${index} ${labels[index]}` : String(index);
}

/** Where the values of the largest magnitude are, in order. @param {number[]} values @param {number} most */
function placesOfLargest(values, most) {
  if (values.length <= most) return values.map((_, i) => i);
  const sizes = values.map((value) => (Number.isNaN(value) ? Infinity : Math.abs(value)));
  return sizes
    .map((_, i) => i)
    .sort((a, b) => sizes[b] - sizes[a] || a - b)
    .slice(0, most)
    .sort((a, b) => a - b);
}

/** A scale of a record: a fraction where it is a simple one. @param {number} scale */
function scaleText(scale) {
  const divisor = 1 / scale;
  return Math.abs(divisor - Math.round(divisor)) < 1e-9 && Math.abs(divisor) < 1e6 && Math.abs(divisor) > 1
    ? `1/${Math.round(divisor)}`
    : show(scale);
}

/** A remark. @param {string} text */
function note(text) {
  return element("p", { className: "soft small" }, text);
}

/**
 * A list of terms with a column for each of their numbers.
 * @param {string} title
 * @param {string[]} heads
 * @param {(number | string | Node)[][]} rows  a text first, or what is shown of it
 */
function terms(title, heads, rows) {
  const cells = (/** @type {(number | string | Node)[]} */ row) =>
    row.map((value, i) =>
      i
        ? element("td", {}, typeof value === "number" ? show(value) : value)
        : element("th", { scope: "row" }, typeof value === "number" ? String(value) : value),
    );
  return element(
    "table",
    { className: "terms" },
    element("caption", {}, title),
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row)))),
  );
}
