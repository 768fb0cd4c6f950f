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

  /** The page above the first row. */
  async older() {
    const { timeline } = this;
    if (this.#waiting || !timeline.hasOlder || !timeline.first()) return;
    await this.#load({ before: timeline.first().dataset.messageId }, (messages) => {
      timeline.prepend(messages);
      timeline.hasOlder = messages.length === PAGE;
      timeline.prune('newest');
    });
  }

  /** What follows the last row: the next page, or what a swallowed stream did not bring. */
  async newer() {
    const { timeline } = this;
    if (this.#waiting) return;
    const last = timeline.last();
    if (!last) return void await this.newest();
    await this.#load({ after: last.dataset.messageId }, (messages) => {
      timeline.append(messages);
      timeline.atEnd ||= messages.length < PAGE;
      timeline.prune('oldest');
    });
  }

  /** The end of the conversation, whatever was shown. */
  async newest() {
    const { timeline } = this;
    await this.#load({}, (messages) => {
      timeline.replace(messages);
      timeline.atEnd = true;
      timeline.hasOlder = messages.length === PAGE;
    });
  }

  #load(edge, place) {
    const query = new URLSearchParams({ ...this.scope, limit: PAGE, ...edge });
    const fetchPage = () => call('GET', `/api/messages?${query}`);
    this.#waiting += 1;
    const turn = this.#last.then(() =>
      this.timeline.load(fetchPage, (messages) => this.keepPlace(() => place(messages))));
    this.#last = turn.catch(() => {}).finally(() => { this.#waiting -= 1; });
    return turn;
  }
}
