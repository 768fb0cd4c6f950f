/**
 * Which tab leads. The browser keeps the line; a tab that closes or crashes leaves it at once.
 * Calls `lead` when it is this tab's turn, and `resign` when that is over: another tab took it, or this one left.
 *
 * @typedef {{lead: () => void, resign: () => void}} Told
 */
export class LockElection {
  /** @param {string} name @param {Told} told */
  constructor(name, told) {
    this.name = name;
    this.told = told;
  }

  stand() {
    this.#queue();
  }

  /** Take it from a leader that has stopped answering. */
  take() {
    this.#queue(true);
  }

  leave() {
    this.waiting?.abort();
    this.#end();
  }

  async #queue(steal = false) {
    this.waiting?.abort();
    const waiting = new AbortController();
    this.waiting = waiting;
    const options = steal ? { steal } : { signal: waiting.signal };
    try {
      await navigator.locks.request(this.name, options, () => waiting.signal.aborted || this.#hold());
    } catch (error) {
      if (error.name !== 'AbortError') return void this.told.lead(); // locks are forbidden here
    }
    if (this.waiting !== waiting || waiting.signal.aborted) return;
    this.#end(); // it was taken while this tab was frozen
    this.#queue();
  }

  #hold() {
    this.told.lead();
    return new Promise((resolve) => { this.release = resolve; });
  }

  #end() {
    this.told.resign();
    this.release?.();
  }
}
