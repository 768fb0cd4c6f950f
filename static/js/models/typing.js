import { call } from '../helpers/server.js';

const EVERY = 3000;
const FADES = 6000;

/** Who is typing, and that one is. */
export class Typing {
  #typists = new Map();
  #told = 0;

  /** @param {(names: string[]) => void} show */
  constructor(conversation, show) {
    this.path = `/api/conversations/${conversation}/typing`;
    this.show = show;
  }

  tell() {
    if (Date.now() - this.#told < EVERY) return;
    this.#told = Date.now();
    call('POST', this.path).catch(() => {});
  }

  saw(userId, name) {
    clearTimeout(this.#typists.get(userId)?.timer);
    this.#typists.set(userId, { name, timer: setTimeout(() => this.stopped(userId), FADES) });
    this.#tell();
  }

  stopped(userId) {
    clearTimeout(this.#typists.get(userId)?.timer);
    if (this.#typists.delete(userId)) this.#tell();
  }

  /** What one wrote is sent: the next letter is news again. */
  sent() {
    this.#told = 0;
  }

  #tell() {
    this.show([...this.#typists.values()].map(({ name }) => name));
  }
}
