/**
 * Something to do with the network in a lesson.
 * @typedef {object} Lesson
 * @property {string} title
 * @property {HTMLElement} node
 * @property {() => void} refresh   show what holds now; called while it is open
 * @property {() => void} [close]   what is done when it is closed
 */

/**
 * What is there for lessons, each behind its title; only what is open is computed.
 * @param {Model} model
 */
function lessonView(model) {
  const title = element("h2", { id: "lesson-title" }, "For the lesson");
  const lessons = [quizLesson, flippedLesson, entropyLesson, lossLesson, commandLesson].map((make) => make(model));
  const parts = lessons.map(({ title: name, node, refresh, close }) =>
    element(
      "details",
      {
        name: "lesson",
        ontoggle: (/** @type {Event} */ event) => {
          if (/** @type {HTMLDetailsElement} */ (event.currentTarget).open) refresh();
          else close?.();
        },
      },
      element("summary", {}, name),
      node,
    ),
  );
  const refresh = () =>
    lessons.forEach((lesson, index) => {
      if (parts[index].open) lesson.refresh();
    });
  model.addEventListener("computed", refresh);
  model.addEventListener("selected", refresh);
  return element("section", { className: "panel lesson", "aria-labelledby": title.id }, title, ...parts);
}
