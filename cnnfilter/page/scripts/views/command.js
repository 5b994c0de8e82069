/**
 * The commands that do what the page does, to copy, and the files that they read where something was changed here.
 * @param {Model} model
 * @returns {Lesson}
 */
function commandLesson(model) {
  const board = element("div", { className: "stack" });
  const languages = element(
    "select",
    { onchange: refresh },
    ...["torch", "keras", "numpy"].map((each) => element("option", {}, each)),
  );

  function refresh() {
    const { lines, files, missing } = commandsOf(model, languages.value);
    board.replaceChildren(
      ...lines.map(({ what, text }) => commandLine(what, text, what === "Its code" ? [languages] : [])),
      ...(files.length === 0
        ? []
        : [
            element(
              "p",
              { className: "small" },
              "What was changed here is in no file yet; save it in the folder that the command is run in:",
            ),
            element(
              "div",
              { className: "row" },
              ...files.map((file) =>
                element(
                  "button",
                  {
                    type: "button",
                    className: "button",
                    onclick: () => saveFile(file.name, file.blob()),
                  },
                  `Save ${file.name}`,
                ),
              ),
            ),
          ]),
      ...(missing ? [element("p", { className: "small" }, missing)] : []),
    );
  }
  return { title: "The command", node: board, refresh };
}

/**
 * A command with a button that copies it.
 * @param {string} what
 * @param {string} text
 * @param {HTMLElement[]} choices   what it can be chosen by
 */
function commandLine(what, text, choices) {
  const said = element("span", { className: "small said", role: "status" });
  const code = element("code", { tabIndex: 0 }, text);
  return element(
    "div",
    { className: "command" },
    element("label", { className: "field" }, element("span", {}, what), ...choices),
    element(
      "div",
      { className: "copied" },
      element("pre", {}, code),
      element(
        "button",
        {
          type: "button",
          className: "button",
          "aria-label": `Copy: ${what}`,
          onclick: async () => {
            said.textContent = (await isCopied(text, code)) ? "copied" : "select it, and copy it with Ctrl+C";
          },
        },
        "Copy",
      ),
    ),
    said,
  );
}

/**
 * Whether a text was copied. Where the browser lets no page do it, the text is selected for the person.
 * @param {string} text
 * @param {HTMLElement} shown
 */
async function isCopied(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(shown);
    return false;
  }
}

/**
 * Hand a file to the person.
 * @param {string} name
 * @param {Blob} blob
 */
function saveFile(name, blob) {
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
