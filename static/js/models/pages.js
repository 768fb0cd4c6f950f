import { scope } from '../helpers/conversation.js';
import { call } from '../helpers/server.js';

const PAGE = 50;

/** Moves the timeline's window along the conversation, a page at a time. */
export class Pages {
  #last = Promise.resolve();
  #waiting = 0;

  /**
   * @param {import('./timeline.js').Timeline} timeline
   * @param {(change: () => void) => void} keepPlace does the change while what is being read stays in place
   */
  constructor(timeline, { id, kind }, keepPlace) {
    this.timeline = timeline;
    this.scope = scope(id, kind);
    this.keepPlace = keepPlace;
  }

  /** The page above the first row. @returns {Promise<boolean>} whether it was loaded now */
  async older() {
    const { timeline } = this;
    if (this.#waiting || !timeline.hasOlder) return false;
    const first = timeline.first();
    if (!first) return this.newest();
    return this.#load(() => this.#ask({ before: first.dataset.messageId }), (messages) => {
      timeline.prepend(messages);
      timeline.hasOlder = messages.length === PAGE;
      timeline.prune('newest');
    });
  }

  /** What follows the last row: the next page, or what a swallowed stream did not bring. */
  async newer() {
    const { timeline } = this;
    if (this.#waiting) return false;
    const last = timeline.last();
    if (!last) return this.newest();
    return this.#load(() => this.#ask({ after: last.dataset.messageId }), (messages) => {
      timeline.append(messages);
      timeline.atEnd ||= messages.length < PAGE;
      timeline.prune('oldest');
    });
  }

  /** The end of the conversation, whatever was shown. */
  async newest() {
    const { timeline } = this;
    return this.#load(() => this.#ask({}), (messages) => {
      timeline.replace(messages);
      timeline.atEnd = true;
      timeline.hasOlder = messages.length === PAGE;
    });
  }

  /** The state afresh around a row that is being read. */
  async around(id) {
    const { timeline } = this;
    const fetchBoth = async () => {
      const below = await this.#ask({ after: id });
      return [await this.#ask(below.length ? { before: below[0].id } : {}), below]; // the row itself ends the upper one
    };
    return this.#load(fetchBoth, ([above, below]) => {
      timeline.replace([...above, ...below]);
      timeline.atEnd = below.length < PAGE;
      timeline.hasOlder = above.length === PAGE;
    });
  }

  #ask(edge) {
    return call('GET', `/api/messages?${new URLSearchParams({ ...this.scope, limit: PAGE, ...edge })}`);
  }

  #load(fetchPage, place) {
    this.#waiting += 1;
    const turn = this.#last.then(() =>
      this.timeline.load(fetchPage, (messages) => this.keepPlace(() => place(messages)))).then(() => true);
    this.#last = turn.catch(() => {}).finally(() => { this.#waiting -= 1; });
    return turn;
  }
}
