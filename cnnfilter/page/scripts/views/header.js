// @ts-check
// What the page is of: its picture, the size that the network sees, and all stages.

/**
 * The heading of the page.
 * @param {Model} model
 * @returns {HTMLElement}
 */
function headerView(model) {
  const title = element("h1", {}, "cnnfilter");
  const network = element("p", { className: "network mono soft" });
  const update = () => {
    const { picture, before, groups } = model.contents;
    const size = model.shapes[0] ? ` (${showShape(shapeOf(model, 0))})` : "";
    write(title, `${model.isPictureChanged ? "another picture" : picture.name.split(/[\\/]/).pop()}${size}`);
    write(network, [before, networkText(model.stages, groups)].filter(Boolean).join(","));
  };
  model.addEventListener("changed", update);
  const skip = element("button", { type: "button", className: "button skip no-print" }, "Skip the stages, to the detail");
  skip.addEventListener("click", () => /** @type {HTMLElement | null} */ (document.querySelector("main .board"))?.focus());
  return element("div", { className: "page-title" }, skip, title, network);
}
