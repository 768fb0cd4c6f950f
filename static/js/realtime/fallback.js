const EVERY = 2000;
const LIST_EVERY = 5; // the list costs more than `after=`, and hurries nobody

/**
 * Ask again and again while a proxy swallows the stream. What is found this way moves no cursor: the stream,
 * once it comes through, still brings every event that it owes.
 */
export class Fallback {
  #timer;
  #rounds = 0;

  /** @param {{catchUp: () => Promise, refresh: () => void}} asks @param {(works: boolean) => void} told */
  constructor(asks, told) {
    this.asks = asks;
    this.told = told;
  }

  start() {
    this.#timer ??= setTimeout(() => this.#round(), 0);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #round() {
    if (this.#rounds++ % LIST_EVERY === 0) this.asks.refresh();
    const timer = this.#timer;
    const works = await Promise.resolve(this.asks.catchUp()).then(() => true, () => false);
    if (this.#timer !== timer) return; // stopped meanwhile, perhaps started again: that one goes on
    this.told(works);
    this.#timer = setTimeout(() => this.#round(), EVERY);
  }
}
