/** @typedef {{stages: Stage[], changes: Change[], picture: Maps}} Snapshot  what there was before a change */

/** What there was before each change, the last one last. */
class Past {
  /** @type {Snapshot[]} */ #before = [];
  /** What the last change was of, while none is undone. */ #changing = "";

  /** How many changes can be undone. */
  get length() {
    return this.#before.length;
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
    if (this.#before.length > MOST_CHANGES) this.#before.shift();
    return false;
  }

  /**
   * What there was before the last changes, which are forgotten.
   *
   * @param {number} count
   * @returns {Snapshot | undefined}
   */
  back(count) {
    this.#changing = "";
    return this.#before.splice(-count)[0];
  }

  /**
   * What there was when these were the changes.
   *
   * @param {Change[]} changes
   */
  find(changes) {
    return this.#before.findLast((before) => stateText(before.changes, null) === stateText(changes, null));
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
