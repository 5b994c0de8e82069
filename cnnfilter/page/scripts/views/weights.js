/**
 * What the axes of an array of learned numbers count, but for the rows and columns of its kernels.
 * @param {string} kind
 * @param {number} count  of its axes
 */
function axisNames(kind, count) {
  if (count === 1) return ["map"];
  if (count === 2) return ["result", "input"];
  return kind === "convtranspose" ? ["input map", "map"] : ["map", "input map"];
}

/**
 * An array of learned numbers: of which filter and map is chosen, then a number is changed where it stands. The filter
 * is that of the map which is looked at, until another one is chosen.
 * @param {Edited} edited
 * @returns {Editor}
 */
function weightsEditor({ model, number, control, say }) {
  const current = () => model.stage(number).learned[control.key.slice("learned.".length)];
  const { shape } = current();
  const inGrid = shape.length > 2 ? 2 : 0;
  const [rows, columns] = inGrid ? shape.slice(-2) : [1, 1];
  const around = shape.slice(0, shape.length - inGrid);
  const at = around.map(() => 0);
  const names = axisNames(model.stage(number).kind, shape.length);
  const offset = () => around.reduce((sum, size, axis) => sum * size + at[axis], 0) * rows * columns;

  const indexes = around.map((size, axis) =>
    element("input", {
      type: "number",
      min: 0,
      max: size - 1,
      value: 0,
      "aria-label": `${control.label}: ${names[axis]}`,
      oninput: () => {
        const wanted = Number(indexes[axis].value);
        if (!Number.isInteger(wanted) || wanted < 0 || wanted >= size) {
          say(`${names[axis]} must be between 0 and ${size - 1}`);
          return;
        }
        say("");
        at[axis] = wanted;
        table.refresh();
      },
    }),
  );
  const table = numberTable(
    {
      caption: control.label,
      rows,
      columns,
      value: (row, column) => current().values[offset() + row * columns + column],
      set: (row, column, value, goesOn) => {
        model.set(number, control.key, [...at, ...(inGrid ? [row, column] : []), showNumber(value)].join(","), goesOn);
      },
    },
    say,
  );

  let looked = -1; // the map that was followed: what is chosen after that stays chosen
  const follow = () => {
    const selection = model.selection;
    if (selection === null || selection.stage !== number || around.length === 0) return;
    const map = selection.at[selection.at.length - 1];
    const axis = names.indexOf(around.length === 2 && !inGrid ? "result" : "map");
    if (map === looked || map >= around[axis] || document.activeElement === indexes[axis]) return;
    looked = at[axis] = map;
    indexes[axis].value = String(map);
  };
  const refresh = () => {
    follow();
    table.refresh();
  };
  refresh();
  const tooLarge = Math.max(rows, columns) > LARGEST_GRID;
  return {
    node: element(
      "div",
      { className: "kernel" },
      element(
        "div",
        { className: "row" },
        ...indexes.map((index, axis) =>
          element("label", { className: "field" }, element("span", {}, names[axis]), index),
        ),
      ),
      tooLarge
        ? element("p", { className: "small soft" }, `${rows}x${columns} numbers are too many to show.`)
        : table.node,
    ),
    refresh,
  };
}
