/** Hands each event to whoever asked for its type, in order, one at a time. */
export class Feed {
  #handlers = new Map();
  #held = null;

  on(type, handler) {
    this.#handlers.set(type, [...(this.#handlers.get(type) ?? []), handler]);
  }

  /** @param {import('../types.js').Event} event */
  emit(event) {
    if (this.#held) return void this.#held.push(event);
    for (const handler of this.#handlers.get(event.type) ?? []) {
      try {
        handler(event);
      } catch (error) {
        reportError(error); // one faulty listener must not cost the others their event
      }
    }
  }

  /** Let events wait while the state is fetched afresh: applied before it, they would be lost under it. */
  async hold(work) {
    this.#held = [];
    try {
      await work();
    } finally {
      const held = this.#held;
      this.#held = null;
      held.forEach((event) => this.emit(event));
    }
  }
}

/** Whether cursor `a` lies after `b`; of another epoch, it counts as news. */
export function isAfter(a, b) {
  const [epoch, position] = split(a);
  const [otherEpoch, otherPosition] = split(b);
  return epoch !== otherEpoch || position > otherPosition;
}

function split(cursor) {
  const dash = cursor.lastIndexOf('-');
  return [cursor.slice(0, dash), Number(cursor.slice(dash + 1))];
}
