/** @type {[string, ((model: Model) => Node)[]][]} the landmarks and what each shows */
const VIEWS = [
  ["header", [headerView, noticeView]],
  ["nav", [overviewView]],
  ["main", [detailView, lessonView]],
  ["aside", [fieldView, changeView, pictureView]],
];

/** Show the page: its views first, then what they tell, as it is known. */
async function boot() {
  for (const [landmark, views] of VIEWS) {
    document.querySelector(landmark)?.append(...views.map((view) => view(model)));
  }
  const text = /** @type {HTMLElement} */ (document.getElementById("document")).textContent ?? "";
  await model.load(JSON.parse(text));
  keepInAddress(model);
}

boot();
