/**
 * A number of a kernel, as it stands in a worked step: of the filter of a map, over a channel of the input.
 * @typedef {{stage: number, map: number, channel: number, row: number, column: number}} KernelNumber
 */

/**
 * How a number of a kernel is read and changed; null where it cannot be, as in kernels whose results are combined.
 * @param {Model} model
 * @param {KernelNumber} at
 * @returns {{value: number, set: (value: number, goesOn: boolean) => void} | null}
 */
function kernelNumber(model, { stage: number, map, channel, row, column }) {
  const { kind, keys, learned, reads } = model.stage(number);
  if (model.contents.isStatic || !TURNED_KINDS.includes(kind)) return null;
  const turn = (/** @type {number} */ index, /** @type {number} */ size) => (keys.flip ? size - 1 - index : index);
  if (learned.weight) {
    const [filters, inputs, height, width] = learned.weight.shape;
    const groups = /** @type {Shape} */ (model.shapes[reads[0]])[2] / inputs;
    const first = Math.floor(map / (filters / groups)) * inputs;
    const at = [map, channel - first, turn(row, height), turn(column, width)];
    const place = at.reduce((all, index, axis) => all * learned.weight.shape[axis] + index, 0);
    return {
      value: learned.weight.values[place],
      set: (value, goesOn) => model.set(number, "learned.weight", [...at, showNumber(value)].join(), goesOn),
    };
  }
  const [kernel] = /** @type {Kernel[]} */ (keys.kernels);
  if (!kernel || keys.kernels.length > 1 || kernel.filters.length > 1) return null;
  const [filter] = kernel.filters;
  const [y, x] = [turn(row, filter.length), turn(column, filter[0].length)];
  return {
    value: filter[y][x],
    set(value, goesOn) {
      const matrix = filter.map((line) => [...line]);
      matrix[y][x] = value;
      model.set(number, "kernels", [ownKernel(kernel, matrix)], goesOn);
    },
  };
}

/**
 * Let the numbers of kernels in the worked steps be clicked, and changed where they stand. The keyboard has the panel
 * of what can be changed instead.
 * @param {Model} model
 */
function editInPlace(model) {
  const field = element("input", {
    type: "text",
    inputMode: "decimal",
    className: "in-place",
    hidden: true,
    "aria-label": "number of the kernel",
  });
  let at = /** @type {KernelNumber | null} */ (null);
  let isBegun = false;

  const close = () => {
    field.hidden = true;
    at = null;
  };
  document.addEventListener("click", (event) => {
    const cell = event.target instanceof Element ? event.target.closest(".step [data-channel] td") : null;
    const step = cell?.closest(".step");
    const table = cell?.closest("table");
    if (!(cell instanceof HTMLTableCellElement) || !(step instanceof HTMLElement) || !table) return;
    at = {
      stage: Number(step.dataset.stage),
      map: Number(step.dataset.map),
      channel: Number(table.dataset.channel),
      row: /** @type {HTMLTableRowElement} */ (cell.parentElement).sectionRowIndex,
      column: cell.cellIndex,
    };
    const number = kernelNumber(model, at);
    if (!number) return;
    const box = cell.getBoundingClientRect();
    field.style.left = `${box.left + scrollX}px`;
    field.style.top = `${box.top + scrollY}px`;
    field.style.width = `${Math.max(56, box.width)}px`;
    field.style.height = `${box.height}px`;
    field.value = showNumber(Number(number.value.toPrecision(9)));
    field.removeAttribute("aria-invalid");
    field.hidden = false;
    isBegun = false;
    document.body.append(field);
    field.focus({ preventScroll: true });
    field.select();
  });
  field.addEventListener("input", () => {
    const number = at && kernelNumber(model, at);
    if (!number) return;
    const mistake = mistakeOf(() => {
      const value = readNumber(field.value.replace("\u2212", "-"));
      if (value === number.value) return;
      number.set(value, isBegun);
      isBegun = true;
    });
    markInvalid(field, mistake !== "");
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Escape") close();
  });
  field.addEventListener("blur", close);
}
