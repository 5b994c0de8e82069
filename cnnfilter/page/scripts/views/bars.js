// @ts-check
// A vector as bars with labels, from 0 to the right where values are positive, to the left where they are not.

/** Bars that are shown before the rest is asked for; of more, those of the largest magnitude. */
const FEW_BARS = 8;

/**
 * The bars of a vector.
 * @param {Float32Array} values
 * @param {{labels: string[] | null, isShare: boolean, count: number, choose: (index: number) => void}} wanted
 * @returns {HTMLElement}
 */
function bars(values, { labels, isShare, count, choose }) {
  const chosen = placesOfLargest(Array.from(values), count);
  if (values.length > count && isShare) chosen.sort((a, b) => values[b] - values[a]);
  const [low, high] = [
    Math.min(0, ...chosen.map((i) => values[i] || 0)),
    Math.max(0, ...chosen.map((i) => values[i] || 0)),
  ];
  const whole = isShare ? 1 : high - low || 1;
  const zero = isShare ? 0 : -low / whole;
  const rows = chosen.map((i) => {
    const bar = element("span", { className: values[i] < 0 ? "bar negative" : "bar" });
    const share = Math.abs(values[i] || 0) / whole;
    bar.style.width = `${100 * share}%`;
    bar.style.left = `${100 * (values[i] < 0 ? zero - share : zero)}%`;
    const value = isShare ? `${(100 * values[i]).toFixed(2)}%` : show(Number(values[i].toPrecision(4)));
    const label = labels?.[i];
    const row = element(
      "button",
      { className: "bar-row", type: "button", "data-index": String(i), tabIndex: -1 },
      element("span", { className: "bar-label" }, label ? `${i} ${label}` : String(i)),
      element("span", { className: "bar-track", "aria-hidden": "true" }, bar),
      element("span", { className: "bar-value answer" }, value),
    );
    row.addEventListener("click", () => choose(i));
    return row;
  });
  return element("div", { className: "bars", role: "group", "aria-label": "values" }, ...rows);
}

/**
 * Marks the bar of a number, which is the one that the tabulator key reaches.
 * @param {HTMLElement} holder
 * @param {number} index
 */
function markBar(holder, index) {
  const rows = /** @type {HTMLElement[]} */ ([...holder.querySelectorAll("button")]);
  for (const row of rows) {
    const isHere = row.dataset.index === String(index);
    row.setAttribute("aria-pressed", String(isHere));
    row.tabIndex = isHere ? 0 : -1;
  }
  if (rows.length && rows.every((row) => row.tabIndex < 0)) rows[0].tabIndex = 0;
}
