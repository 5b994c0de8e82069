// @ts-check
// Moving along the rows of a result by itself.

/** Values a second. */
const SPEEDS = [1, 2, 5, 10, 30, 60];

/** The button that plays, and the choice of a speed. */
class Player {
  /** @param {() => void} step  goes to the next value */
  constructor(step) {
    this.step = step;
    this.isPlaying = false;
    this.last = 0;
    this.owed = 0;
    this.button = element("button", { type: "button", className: "button primary play" });
    this.button.addEventListener("click", () => this.toggle());
    this.speed = element(
      "select",
      { "aria-label": "values a second" },
      ...SPEEDS.map((speed) => element("option", { value: String(speed) }, `${speed} a second`)),
    );
    this.speed.value = isStill.matches ? "1" : "5";
    this.element = element("div", { className: "row no-print" }, this.button, this.speed);
    this.#name();
  }

  toggle() {
    if (this.isPlaying) {
      this.stop();
      return;
    }
    this.isPlaying = true;
    this.owed = 1;
    this.last = performance.now();
    this.#name();
    requestAnimationFrame((now) => this.#tick(now));
  }

  stop() {
    this.isPlaying = false;
    this.#name();
  }

  #name() {
    write(this.button, this.isPlaying ? "❚❚ Pause" : "▶ Play");
  }

  /** @param {number} now  milliseconds */
  #tick(now) {
    if (!this.isPlaying) return;
    this.owed = Math.min(1, this.owed + (Math.max(0, now - this.last) / 1000) * Number(this.speed.value));
    this.last = now;
    if (this.owed >= 1) {
      this.owed -= 1;
      this.step();
    }
    requestAnimationFrame((later) => this.#tick(later));
  }
}
