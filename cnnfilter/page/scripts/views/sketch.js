// A board to draw on with mouse, finger, pen or keys: white on black, as MNIST's digits are.

/** The longer side of the board, in its own pixels. */
const BOARD_SIDE = 280;

/** How far an arrow key moves the brush: as far as a pixel of MNIST's. */
const BRUSH_STEP = BOARD_SIDE / 28;

/** What part of MNIST's pictures of 28x28 a digit takes: it was fitted into 20x20, its centre of mass in the middle. */
const DIGIT_PART = 20 / 28;

/** The longer side of a picture of a digit, as far as is guessed. */
const LARGEST_DIGIT = 64;

/** @typedef {[number, number]} Point   right and down, in pixels of the board */

/**
 * What is drawn on: a canvas and its pen.
 * @param {number} width
 * @param {number} height
 */
function sheetOf(width, height) {
  const canvas = element("canvas", { width, height });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  pen.imageSmoothingQuality = "high";
  return { canvas, pen };
}

/**
 * The ink on a sheet: the longer side of what it takes, and its centre of mass; null where there is none.
 * @param {CanvasRenderingContext2D} pen
 */
function inkOf(pen) {
  const { width, height } = pen.canvas;
  const { data } = pen.getImageData(0, 0, width, height);
  let [top, bottom, left, right] = [height, -1, width, -1];
  let [mass, rows, columns] = [0, 0, 0];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const ink = data[4 * (row * width + column)];
      if (ink === 0) continue;
      [top, bottom] = [Math.min(top, row), row];
      [left, right] = [Math.min(left, column), Math.max(right, column)];
      mass += ink;
      rows += ink * (row + 0.5);
      columns += ink * (column + 0.5);
    }
  }
  if (mass === 0) return null;
  return { side: Math.max(bottom - top, right - left) + 1, down: rows / mass, right: columns / mass };
}

/**
 * A drawing, moved and sized as MNIST's digits are.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2D} pen
 */
function asDigit(canvas, pen) {
  const ink = inkOf(pen);
  if (ink === null) return canvas;
  const { canvas: fitted, pen: other } = sheetOf(canvas.width, canvas.height);
  const factor = (DIGIT_PART * Math.min(canvas.width, canvas.height)) / ink.side;
  other.fillRect(0, 0, canvas.width, canvas.height);
  other.setTransform(
    factor,
    0,
    0,
    factor,
    canvas.width / 2 - factor * ink.right,
    canvas.height / 2 - factor * ink.down,
  );
  other.drawImage(canvas, 0, 0);
  return fitted;
}

/**
 * A board whose drawing is the network's picture. A stroke is one change, which can be undone.
 * @param {Model} model
 * @param {number} white     what white is: 255, 65535 or 1
 * @param {() => void} told  called when something was drawn
 */
function sketchBoard(model, white, told) {
  const { shape } = model.picture;
  const scale = BOARD_SIDE / Math.max(shape[0], shape[1]);
  const [height, width] = [shape[0], shape[1]].map((side) => Math.max(1, Math.round(side * scale)));
  const { canvas, pen } = sheetOf(width, height);
  const brush = element("input", { type: "range", min: 4, max: 60, value: 22 });
  const fit = element("input", { type: "checkbox", checked: Math.max(shape[0], shape[1]) <= LARGEST_DIGIT });
  const said = element("span", { className: "small soft", role: "status" });
  const cursor = element("span", { className: "brush", hidden: true, "aria-hidden": "true" });
  /** @type {WeakMap<Maps, ImageData>} what the board showed when it made a picture */
  const drawings = new WeakMap();
  const keys = { at: /** @type {Point} */ ([width / 2, height / 2]), isDown: false };
  let last = /** @type {Point | null} */ (null); // where the brush is down
  let isBegun = false; // whether this stroke is a change already
  let frame = 0;

  canvas.className = "sketch";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "Board to draw on: arrow keys move the brush, space puts it down and lifts it");

  /** Give the network what is drawn. */
  function hand() {
    cancelAnimationFrame(frame);
    frame = 0;
    const source = fit.checked ? asDigit(canvas, pen) : canvas;
    const maps = mapsOfPicture(source, [0, 0, width, height], shape, white);
    drawings.set(maps, pen.getImageData(0, 0, width, height));
    model.setPicture(maps, isBegun);
    isBegun = true;
    told();
  }

  function wipe() {
    pen.fillStyle = "black";
    pen.fillRect(0, 0, width, height);
  }

  /**
   * Draw a line, or a dot.
   * @param {Point} from
   * @param {Point} to
   */
  function draw(from, to) {
    pen.strokeStyle = "white";
    pen.lineCap = "round";
    pen.lineWidth = Number(brush.value);
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
    frame ||= requestAnimationFrame(hand);
  }

  /** End a stroke. */
  function lift() {
    if (frame) hand();
    isBegun = false;
    last = null;
  }

  /**
   * @param {PointerEvent} event
   * @returns {Point}
   */
  function pointOf(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    cursor.hidden = true;
    last = pointOf(event);
    draw(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last === null || !event.isPrimary) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const each of passed.length ? passed : [event]) {
      const to = pointOf(each);
      draw(last, to);
      last = to;
    }
  });
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("keydown", (event) => {
    const [right, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
      event.key
    ] ?? [0, 0];
    if (event.ctrlKey || event.metaKey || event.altKey || (!right && !down && event.key !== " ")) return;
    event.preventDefault();
    if (event.key === " ") {
      keys.isDown = !keys.isDown;
      said.textContent = keys.isDown ? "brush down" : "brush up";
    }
    const to = /** @type {Point} */ ([
      Math.min(width, Math.max(0, keys.at[0] + right * BRUSH_STEP)),
      Math.min(height, Math.max(0, keys.at[1] + down * BRUSH_STEP)),
    ]);
    if (keys.isDown) draw(keys.at, to);
    else lift();
    keys.at = to;
    cursor.hidden = false;
    cursor.classList.toggle("down", keys.isDown);
    cursor.style.left = `${(100 * to[0]) / width}%`;
    cursor.style.top = `${(100 * to[1]) / height}%`;
  });
  canvas.addEventListener("blur", () => {
    cursor.hidden = true;
    keys.isDown = false;
    lift();
  });
  fit.addEventListener("change", () => {
    lift();
    hand();
    lift();
  });
  model.addEventListener("changed", () => {
    if (last !== null || keys.isDown) return;
    const drawing = drawings.get(model.picture);
    if (drawing) pen.putImageData(drawing, 0, 0);
    else wipe();
  });
  wipe();
  return element(
    "div",
    { className: "drawing" },
    element("div", { className: "paper" }, canvas, cursor),
    element(
      "div",
      { className: "row" },
      element("label", { className: "field" }, element("span", {}, "Brush"), brush),
      element(
        "button",
        {
          type: "button",
          className: "button",
          onclick: () => {
            lift();
            wipe();
            hand();
            lift();
          },
        },
        "Clear",
      ),
      said,
    ),
    element("label", { className: "choice" }, fit, element("span", {}, "Move and size it as MNIST's digits are")),
  );
}
