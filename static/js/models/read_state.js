import { call } from '../helpers/server.js';

const APART = 500; // a burst of messages moves the cursor once, not once each

/** Moves the reader's cursor to the last message that was really before their eyes. */
export class ReadState {
  #timer;
  #marked;

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
    if (this.#timer || !this.reading()) return;
    const messageId = this.timeline.last()?.dataset.messageId;
    if (!messageId || messageId === this.#marked) return;
    this.#marked = messageId;
    call('POST', this.path, { messageId }).catch(() => { this.#marked = null; });
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.mark();
    }, APART);
  }
}
