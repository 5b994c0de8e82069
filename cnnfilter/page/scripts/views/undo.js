/**
 * The button that undoes the last change; so does Ctrl+Z, where no text is being written.
 * @param {Model} model
 */
function undoButton(model) {
  const button = element("button", { type: "button", className: "button", onclick: () => undoLast(model) }, "Back");
  button.title = "Undo the last change (Ctrl+Z)";
  const refresh = () => {
    button.disabled = !model.canUndo();
  };
  model.addEventListener("changed", refresh);
  refresh();
  document.addEventListener("keydown", (event) => {
    const isUndo =
      event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    const isWriting = event.target instanceof HTMLInputElement && event.target.type === "text";
    if (!isUndo || isWriting || !model.canUndo()) return;
    event.preventDefault();
    undoLast(model);
  });
  return button;
}
