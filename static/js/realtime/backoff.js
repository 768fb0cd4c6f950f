import { isPassing } from '../helpers/server.js';

/** Growing waits with full jitter, so that a herd which lost its server together comes back apart. */
export class Backoff {
  #tries = 0;

  constructor({ first = 1000, most = 30_000 } = {}) {
    this.first = first;
    this.most = most;
  }

  /** Milliseconds to wait before the next try; no less than the server asked for. */
  next({ retryAfter = 0 } = {}) {
    return Math.max(retryAfter, Math.random() * Math.min(this.most, this.first * 2 ** this.#tries++));
  }

  reset() {
    this.#tries = 0;
  }
}

/**
 * Do it (given how often it failed), again and again after growing waits until it works. Gives null to who is
 * signed out. Where it is refused for good, what the page shows is gone: loaded anew, it says so, and what was
 * typed is kept.
 */
export async function persistently(work) {
  const backoff = new Backoff();
  for (let tries = 0; ; tries++) {
    try {
      return await work(tries);
    } catch (problem) {
      if (problem.status === 401) return null;
      if (!isPassing(problem)) return void location.reload();
      await new Promise((resolve) => { setTimeout(resolve, backoff.next(problem)); });
    }
  }
}
