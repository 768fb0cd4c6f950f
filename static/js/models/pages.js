import { scope } from '../helpers/conversation.js';
import { request } from '../helpers/server.js';

const PAGE = 50;

/** Moves the timeline's window along the conversation, a page at a time. */
export class Pages {
  #last = Promise.resolve();
  #waiting = 0;

  /**
   * @param {import('./timeline.js').Timeline} timeline
   * @param {(change: () => void) => void} keepPlace does the change while what is being read stays in place
   *   and in the page
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
      if (!first.isConnected) return; // it left the page meanwhile: above the next one, these would hide a gap
      timeline.prepend(messages);
      timeline.hasOlder = messages.length === PAGE;
    });
  }

  /** What follows the last row: the next page, or what a swallowed stream did not bring. `told` hears of each. */
  async newer(told = () => {}) {
    const { timeline } = this;
    if (this.#waiting) return false;
    const last = timeline.last();
    if (!last) return this.newest();
    return this.#load(() => this.#ask({ after: last.dataset.messageId }), (messages) => {
      if (!last.isConnected) return;
      timeline.append(messages).forEach(told);
      timeline.endAt(messages.length < PAGE && messages.cursor);
    });
  }

  /** The end of the conversation, whatever was shown. */
  async newest() {
    const { timeline } = this;
    return this.#load(() => this.#ask({}), (messages) => {
      timeline.replace(messages);
      timeline.endAt(messages.cursor);
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
      timeline.endAt(below.length < PAGE && below.cursor);
      timeline.hasOlder = above.length === PAGE;
    });
  }

  async #ask(edge) {
    const answer = await request(`/api/messages?${new URLSearchParams({ ...this.scope, limit: PAGE, ...edge })}`);
    return Object.assign(await answer.json(), { cursor: answer.headers.get('Chat-Cursor') });
  }

  #load(fetchPage, place) {
    this.#waiting += 1;
    const turn = this.#last.then(() =>
      this.timeline.load(fetchPage, (messages) => this.keepPlace(() => place(messages)))).then(() => true);
    this.#last = turn.catch(() => {}).finally(() => { this.#waiting -= 1; });
    return turn;
  }
}
