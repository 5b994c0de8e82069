/**
 * Another picture for the network: from a file that is chosen, dropped or pasted, or drawn here. It is brought to the
 * size that the network takes, and is no part of the address.
 * @param {Model} model
 */
function pictureView(model) {
  const title = element("h2", { id: "picture-title" }, "Picture");
  const panel = element("section", { className: "panel picture-panel no-print", "aria-labelledby": title.id }, title);
  model.addEventListener(
    "changed",
    () => {
      if (model.contents.isStatic) panel.hidden = true;
      else panel.append(...pictureParts(model));
    },
    { once: true },
  );
  return panel;
}

/**
 * What stands in the panel as soon as there is a picture.
 * @param {Model} model
 */
function pictureParts(model) {
  const { shape } = model.picture;
  if (shape[2] !== 1 && shape[2] !== 3) {
    return [
      element("p", { className: "small soft" }, `The network takes ${shape[2]} maps, which no picture file has.`),
    ];
  }
  const white = model.contents.picture.scale;
  const mistake = element("p", { className: "mistake", role: "alert", hidden: true });
  const told = element("p", { className: "small soft", role: "status" });
  const chooser = element("input", {
    type: "file",
    accept: "image/*",
    className: "visually-hidden",
    id: "picture-file",
  });

  /**
   * Say what was taken, or why not.
   * @param {string} text
   * @param {string} wrong
   */
  function tell(text, wrong = "") {
    told.textContent = text;
    mistake.textContent = wrong;
    mistake.hidden = wrong === "";
  }

  let taken = 0; // files up to now: of a large one, decoding ends after that of a small one that came later

  /** @param {Blob} file */
  async function take(file) {
    const turn = ++taken;
    try {
      const image = await pictureInFile(file);
      if (turn !== taken) return;
      const [width, height] = [image.naturalWidth, image.naturalHeight];
      const part = middlePart(width, height, shape[1], shape[0]);
      model.setPicture(mapsOfPicture(image, part, shape, white));
      const middle = part[2] < width || part[3] < height ? "the middle of " : "";
      tell(`${middle}a picture of ${width}x${height}, brought to ${shape[1]}x${shape[0]}`);
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      if (turn === taken) tell("", error.message);
    }
  }

  chooser.addEventListener("change", () => {
    const file = chooser.files?.[0];
    if (file) take(file);
    chooser.value = ""; // or the same file could not be chosen again
  });
  acceptPictures(take);
  const board = element("details", {}, element("summary", {}, "Draw"));
  board.addEventListener("toggle", () => board.append(sketchBoard(model, white, () => tell("your drawing"))), {
    once: true,
  });
  return [
    element(
      "div",
      { className: "row" },
      chooser,
      element("label", { className: "button", htmlFor: chooser.id }, "Choose a picture\u2026"),
      element("span", { className: "small soft" }, "or drop one on the page, or paste it"),
    ),
    board,
    mistake,
    told,
  ];
}

/**
 * Take pictures that are dropped on the page or pasted into it; the page itself is never left for a dropped file.
 * @param {(file: Blob) => void} take
 */
function acceptPictures(take) {
  const over = (/** @type {boolean} */ is) => document.documentElement.classList.toggle("dropping", is);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) over(false);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    const file = event.dataTransfer?.files[0];
    if (file) take(file);
  });
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (!file) return;
    event.preventDefault();
    take(file);
  });
}
