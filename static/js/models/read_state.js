import { call, isPassing } from '../helpers/server.js';
import { Backoff } from '../realtime/backoff.js';

const APART = 500; // a burst of messages moves the cursor once, not once each

/** Moves the reader's cursor to the last message that was really before their eyes. */
export class ReadState {
  #busy = false;
  #seen;
  #marked;
  #backoff = new Backoff();

  /** @param {() => boolean} atEnd whether the newest message is in sight */
  constructor(conversation, timeline, atEnd, marked) {
    this.path = `/api/conversations/${conversation}/read`;
    this.timeline = timeline;
    this.atEnd = atEnd;
    this.#marked = marked;
    for (const name of ['focus', 'visibilitychange']) window.addEventListener(name, () => this.mark());
  }

  reading = () => this.atEnd() && !document.hidden && document.hasFocus();

  mark() {
    if (this.reading()) this.#seen = this.timeline.last()?.dataset.messageId;
    if (this.#busy || !this.#seen || this.#seen === this.#marked) return;
    this.#marked = this.#seen;
    this.#tell(this.#seen);
  }

  async #tell(messageId) {
    let wait = APART;
    this.#busy = true;
    try {
      await call('POST', this.path, { messageId });
      this.#backoff.reset();
    } catch (problem) {
      if (isPassing(problem)) { // what is refused for good stays marked: it is not asked again
        this.#marked = null;
        wait += this.#backoff.next(problem);
      }
    }
    setTimeout(() => {
      this.#busy = false;
      this.mark();
    }, wait);
  }
}
