/** @typedef {{stages: Stage[], changes: Change[], picture: Maps}} Snapshot  what there was before a change */

const MOST_KEPT = 2 ** 28; // bytes

/** What there was before each change, the last one last. */
class Past {
  /** @type {Snapshot[]} */ #before = [];
  /** What the last change was of, while none is undone. */ #changing = "";

  #forgotten = 0;

  /** How many changes can be undone. */
  get length() {
    return this.#before.length;
  }

  /** How many changes lead to what there is, those that can be undone no more among them. */
  get depth() {
    return this.#forgotten + this.#before.length;
  }

  /**
   * Remember what there is now, unless the next change goes on with the last one, which was of the same; whether it does.
   *
   * @param {string} what  what is changed
   * @param {Snapshot} now
   * @param {boolean} goesOn
   */
  add(what, now, goesOn = false) {
    const isSame = goesOn && what === this.#changing;
    this.#changing = what;
    if (isSame) return true;
    this.#before.push(now);
    this.#forgotten += this.#before.splice(0, Math.max(this.#before.length - MOST_CHANGES, this.#tooOld())).length;
    return false;
  }

  /** How many of the oldest are forgotten, so that pictures and learned numbers stay within `MOST_KEPT`. */
  #tooOld() {
    const seen = new Set();
    let bytes = 0;
    for (let place = this.#before.length - 1; place >= 0; place--) {
      const { picture, stages } = this.#before[place];
      for (const each of [picture, ...stages]) {
        if (seen.has(each)) continue;
        seen.add(each);
        for (const { values } of "learned" in each ? Object.values(each.learned) : [each]) {
          if (!seen.has(values)) bytes += values.byteLength;
          seen.add(values);
        }
      }
      if (bytes > MOST_KEPT && place < this.#before.length - 1) return place + 1;
    }
    return 0;
  }

  /**
   * What there was before the last changes, which are forgotten.
   *
   * @param {number} count
   * @returns {Snapshot | undefined}
   */
  back(count) {
    this.#changing = "";
    return this.#before.splice(Math.max(0, this.#before.length - count))[0];
  }

  /**
   * What there was when these were the changes of this picture.
   *
   * @param {Change[]} changes
   * @param {Maps} picture
   */
  find(changes, picture) {
    const text = stateText(changes, null);
    return this.#before.findLast((before) => before.picture === picture && stateText(before.changes, null) === text);
  }

  /**
   * Forget what came after something.
   *
   * @param {Snapshot} before
   */
  returnTo(before) {
    this.back(this.#before.length - this.#before.indexOf(before));
  }
}
