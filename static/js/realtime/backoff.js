/** Growing waits with full jitter, so that a herd which lost its server together comes back apart. */
export class Backoff {
  #tries = 0;

  constructor({ first = 1000, most = 30_000 } = {}) {
    this.first = first;
    this.most = most;
  }

  /** Milliseconds to wait before the next try. */
  next() {
    return Math.random() * Math.min(this.most, this.first * 2 ** this.#tries++);
  }

  reset() {
    this.#tries = 0;
  }
}

/** Do it, again and again after growing waits until it works. Gives null to who is signed out. */
export async function persistently(work) {
  const backoff = new Backoff();
  for (;;) {
    try {
      return await work();
    } catch (problem) {
      if (problem.status === 401) return null;
      await new Promise((resolve) => { setTimeout(resolve, backoff.next()); });
    }
  }
}
