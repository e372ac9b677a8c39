"use strict";
// What was done to labels, so that it can be undone and done again.

const MOST_UNDO_BYTES = 64 * 2 ** 20;

class Steps {
  /** @param {Labels} labels they change under the tools */
  constructor(labels) {
    this.labels = labels;
    /** @type {Uint8Array[]} */
    this.before = [];
    /** @type {Uint8Array[]} */
    this.undone = [];
  }

  /** Remember the labels before they are changed. */
  remember() {
    this.before.push(this.labels.values.slice());
    while (this.before.length * this.labels.values.length > MOST_UNDO_BYTES) this.before.shift();
    this.undone = [];
  }

  /** Whether there was something to undo. */
  undo() {
    return this.swap(this.before, this.undone);
  }

  /** Whether there was something to do again. */
  redo() {
    return this.swap(this.undone, this.before);
  }

  /** @param {Uint8Array[]} from @param {Uint8Array[]} to */
  swap(from, to) {
    const values = from.pop();
    if (!values) return false;
    to.push(this.labels.values.slice());
    this.labels.values.set(values);
    return true;
  }
}
