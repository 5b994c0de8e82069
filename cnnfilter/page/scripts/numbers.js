// @ts-check
// Numbers as the command writes them: those of a board, and those of a stage's text.

/** Whole numbers from here on are no longer all different as floats, and are written short. */
const WHOLE = 1e15;

/**
 * Digits with their point or their exponent, as C's %g places them.
 * @param {string} scientific  a number such as "-1.25e-7"
 * @param {number} most  the exponent from which there is one in the text
 */
function placed(scientific, most) {
  const [, sign, first, rest = "", power] = /** @type {string[]} */ (
    /** @type {unknown} */ (/^(-?)(\d)(?:\.(\d*?)0*)?e([-+]\d+)$/.exec(scientific))
  );
  const exponent = Number(power);
  if (exponent < -4 || exponent >= most) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${first}${rest && `.${rest}`}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  const digits = first + rest;
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const part = digits.slice(exponent + 1);
  return `${sign}${whole}${part && `.${part}`}`;
}

/**
 * A number in six digits, a tie rounded to the even digit as C does, where JavaScript takes the larger.
 * @param {number} value  finite
 */
function inSixDigits(value) {
  const [digits, power] = value.toExponential(60).split("e");
  const isTie = /^-?\d\.\d{4}[02468]50*$/.test(digits);
  return placed(isTie ? `${digits.slice(0, digits.indexOf(".") + 6)}e${power}` : value.toExponential(5), 6);
}

/** What is no finite number, as the command writes it. @param {number} value */
function unbounded(value) {
  if (Number.isNaN(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

/** A number as it is written on a board: as it is if it is whole, else in six digits. @param {number} value */
function show(value) {
  if (!Number.isFinite(value)) return unbounded(value);
  if (Number.isInteger(value) && Math.abs(value) < WHOLE) return String(value + 0);
  return inSixDigits(value);
}

/** The shortest text of a number that is read as the same, in a stage's text. @param {number} value */
function showNumber(value) {
  if (!Number.isFinite(value)) return unbounded(value);
  return placed((value + 0).toExponential(), 16).replace("e+", "e");
}

/** A number as a factor: in parentheses where it is below 0. @param {number} value */
function showFactor(value) {
  const text = show(value);
  return text.startsWith("-") ? `(${text})` : text;
}

/** A number as a further term of a sum. @param {number} value */
function showTerm(value) {
  const text = show(value);
  return text.startsWith("-") ? ` - ${text.slice(1)}` : ` + ${text}`;
}

/** A sum written out: `1 - 2 + 3`. @param {ArrayLike<number>} terms */
function showSum(terms) {
  const [first, ...others] = Array.from(terms);
  return show(first) + others.map(showTerm).join("");
}

/** A product written out: `2 * (-3)`. @param {ArrayLike<number>} factors */
function showProduct(factors) {
  return Array.from(factors, showFactor).join(" * ");
}
