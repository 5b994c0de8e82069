/**
 * What a person should know of, such as an address that cannot be followed, until something is changed.
 * @param {Model} model
 */
function noticeView(model) {
  const notice = element("p", { className: "mistake", role: "alert", hidden: true });
  model.addEventListener("told", () => {
    notice.textContent = model.notice;
    notice.hidden = false;
  });
  model.addEventListener("changed", () => (notice.hidden = true));
  return notice;
}
