// Kernels: their numbers in a grid, one of which is changed where it stands; the named ones; and learned arrays.

/** The longest side of a grid of numbers that can still be looked over; larger kernels are chosen by name alone. */
const LARGEST_GRID = 15;

/** The kernels of a stage that can be changed, as the page would be slow with a list for each of thousands. */
const MOST_KERNELS = 16;

/**
 * A grid of numbers.
 * @typedef {object} NumberGrid
 * @property {string} caption
 * @property {number} rows
 * @property {number} columns
 * @property {(row: number, column: number) => number} value
 * @property {((row: number, column: number, value: number, goesOn: boolean) => void) | null} set  null where they can
 *  only be read
 */

/**
 * A table of numbers, each of which is a field. Up and down step a number by 1, with Shift by 0.1; Enter goes on, not
 * from what is no number.
 * @param {NumberGrid} grid
 * @param {(mistake: string) => void} say
 * @returns {Editor}
 */
function numberTable({ caption, rows, columns, value, set }, say) {
  const shortened = (/** @type {number} */ number) => showNumber(Number(number.toPrecision(3))); // until it is changed
  const fields = range(rows).map((row) =>
    range(columns).map((column) => {
      const field = element("input", {
        type: "text",
        inputMode: "decimal",
        autocomplete: "off",
        "aria-label": `row ${row + 1}, column ${column + 1}`,
        readOnly: set === null,
      });
      if (set === null) return field;
      let isBegun = false; // whether what is typed is a change already
      const change = (/** @type {() => number} */ read) => {
        const mistake = mistakeOf(() => {
          const number = read();
          if (number === value(row, column)) return;
          set(row, column, number, isBegun);
          isBegun = true;
        });
        markInvalid(field, mistake !== "");
        say(mistake);
      };
      field.addEventListener("focus", () => {
        field.value = showNumber(Number(value(row, column).toPrecision(9)));
        field.select();
      });
      field.addEventListener("input", () => change(() => readNumber(field.value.replace("\u2212", "-"))));
      field.addEventListener("blur", () => {
        isBegun = false;
        field.value = shortened(value(row, column));
        field.removeAttribute("aria-invalid");
        say("");
      });
      field.addEventListener("keydown", (event) => {
        const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
        if (by !== undefined) {
          event.preventDefault();
          change(() => Number((value(row, column) + (event.shiftKey ? by / 10 : by)).toPrecision(12)));
          field.value = showNumber(Number(value(row, column).toPrecision(9)));
        } else if (event.key === "Enter" && !field.hasAttribute("aria-invalid")) {
          const next = row * columns + column + 1;
          fields.flat()[next % (rows * columns)].focus();
        }
      });
      return field;
    }),
  );
  const cells = fields.map((line) => line.map((field) => element("td", {}, field)));
  const refresh = () => {
    const scale = scaleAround(range(rows).flatMap((row) => range(columns).map((column) => value(row, column))));
    cells.forEach((line, row) =>
      line.forEach((cell, column) => {
        paintCell(cell, value(row, column), scale);
        const field = fields[row][column];
        if (document.activeElement !== field) field.value = shortened(value(row, column));
      }),
    );
  };
  refresh();
  return {
    node: element(
      "div",
      { className: "grid" },
      element(
        "table",
        { className: "numbers" },
        element("caption", {}, caption),
        element("tbody", {}, ...cells.map((line) => element("tr", {}, ...line))),
      ),
    ),
    refresh,
  };
}

/**
 * The numbers of a kernel's filter in another size: they stay in the middle, what is new is 0.
 * @param {number[][]} filter
 * @param {Pair} size
 */
function resizedFilter(filter, [height, width]) {
  const up = Math.floor((height - filter.length) / 2);
  const left = Math.floor((width - filter[0].length) / 2);
  return range(height).map((row) => range(width).map((column) => filter[row - up]?.[column - left] ?? 0));
}

/**
 * A kernel whose numbers are the person's own.
 * @param {Kernel} kernel
 * @param {number[][]} filter
 * @returns {Kernel}
 */
function ownKernel({ scale }, filter) {
  return { name: "custom", filters: [filter], scale, combine: null };
}

/**
 * The kernels of a convolution: each is chosen by name, or changed in its numbers.
 * @param {Edited} edited
 * @returns {Editor}
 */
function kernelEditor(edited) {
  const { model, number, control } = edited;
  const current = () => /** @type {Kernel[]} */ (model.stage(number).keys[control.key]);
  const count = current().length;
  const editors = range(Math.min(count, MOST_KERNELS)).map((index) =>
    oneKernel(
      edited,
      () => current()[index],
      (kernel, goesOn) => {
        model.set(
          number,
          control.key,
          current().map((each, place) => (place === index ? kernel : each)),
          goesOn,
        );
      },
    ),
  );
  return {
    node: element(
      "div",
      { className: "kernels" },
      ...editors.map(({ node }) => node),
      ...(count > MOST_KERNELS ? [element("p", { className: "small soft" }, `and ${count - MOST_KERNELS} more`)] : []),
    ),
    refresh: () => editors.forEach((editor) => editor.refresh()),
  };
}

/**
 * One kernel: its name, its numbers and its size.
 * @param {Edited} edited
 * @param {() => Kernel} current
 * @param {(kernel: Kernel, goesOn: boolean) => void} put
 * @returns {Editor}
 */
function oneKernel({ model, number, control, say }, current, put) {
  const isOnly = model.stage(number).keys[control.key].length === 1;
  const list = element("select", { className: "kernel-name" });
  const grids = element("div", { className: "row grids" });
  const size = sizeEditor(current, put, say);
  const note = element("p", { className: "small soft" }, "Of a kernel that stands alone, the numbers can be changed.");
  let shape = "";
  /** @type {Editor[]} */
  let tables = [];
  list.addEventListener("change", () => {
    const chosen = CATALOGUE.get(list.value);
    if (chosen) say(mistakeOf(() => put(chosen, false)));
    refresh();
  });

  function refresh() {
    const { name, filters, scale } = current();
    const [height, width] = [filters[0].length, filters[0][0].length];
    const names = [...new Set([name, ...CATALOGUE.keys()])];
    list.replaceChildren(
      ...names.map((value) =>
        element("option", { value, selected: value === name }, value === "custom" ? "own numbers" : value),
      ),
    );
    const isAlone = isOnly && filters.length === 1;
    size.node.hidden = !isAlone;
    note.hidden = isAlone;
    const now = [filters.length, height, width, ...scale].join();
    if (now !== shape) {
      const isLarge = Math.max(height, width) > LARGEST_GRID;
      const times = scale[0] === scale[1] ? "" : `, times ${scale[1] === 1 ? scale[0] : scale.join("/")}`;
      tables = isLarge
        ? []
        : filters.map((_, place) =>
            numberTable(
              {
                caption: `${filters.length > 1 ? `${place + 1} of ${filters.length}, ` : ""}${height}x${width}${times}`,
                rows: height,
                columns: width,
                value: (row, column) => current().filters[place][row][column],
                set: isAlone
                  ? (row, column, value, goesOn) => {
                      const matrix = current().filters[0].map((line) => [...line]);
                      matrix[row][column] = value;
                      put(ownKernel(current(), matrix), goesOn);
                    }
                  : null,
              },
              say,
            ),
          );
      const told = element(
        "p",
        { className: "small soft" },
        `${height}x${width} numbers are too many to show${times}.`,
      );
      grids.replaceChildren(...(isLarge ? [told] : tables.map(({ node }) => node)));
      shape = now;
    }
    tables.forEach((table) => table.refresh());
    size.refresh();
  }

  refresh();
  return {
    node: element(
      "div",
      { className: "kernel" },
      element("label", { className: "control" }, element("span", { className: "soft" }, control.label), list),
      grids,
      note,
      size.node,
    ),
    refresh,
  };
}

/**
 * The size of a kernel with one filter, which can be changed.
 * @param {() => Kernel} current
 * @param {(kernel: Kernel, goesOn: boolean) => void} put
 * @param {(mistake: string) => void} say
 */
function sizeEditor(current, put, say) {
  const size = () => /** @type {Pair} */ ([current().filters[0].length, current().filters[0][0].length]);
  /** @type {(wanted: Pair, goesOn: boolean) => void} */
  const resize = (wanted, goesOn) => {
    if (Math.max(...wanted) > LARGEST_GRID)
      throw new Mistake(`size must be at most ${LARGEST_GRID} here, not ${showPair(wanted)}`);
    put(ownKernel(current(), resizedFilter(current().filters[0], wanted)), goesOn);
  };
  return steppedField(
    {
      label: "kernel size",
      current: size,
      put: resize,
      shown: showPair,
      read: (text) => readPair(text, "size"),
      stepped: (value, by) => steppedPair(value, 2 * by),
      inputMode: "text",
    },
    say,
  );
}
