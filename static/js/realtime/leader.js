import { isAfter } from '../helpers/feed.js';
import { base } from '../helpers/server.js';
import { Stream } from './stream.js';

const PATIENCE = 900; // a leader that says nothing for this long is replaced: within 2 s in all
const REMEMBERED = 256;

/**
 * One stream for all tabs of one person in one browser. HTTP/1.1 has six connections a host, and a stream
 * takes one for good. The tab that is elected leads: it streams and passes everything on. Each tab keeps
 * its own cursor; every event says which position came before it, so a tab knows when it has missed one and
 * asks. A leader that cannot answer from memory streams again from where the asking tab stands.
 */
export class SharedStream {
  #recent = [];
  #unanswered = 0;
  #state = 'connecting';

  /**
   * @param {{Election: typeof import('./election.js').LockElection, userId: string, cursor: string,
   *   apply: (event: import('../types.js').Event) => void,
   *   report: (state: import('../types.js').State) => void}} options
   */
  constructor({ Election, userId, cursor, apply, report }) {
    this.Election = Election;
    this.name = `chat:${base}:${userId}`; // two people's tabs in one browser share nothing
    this.tab = crypto.getRandomValues(new Uint32Array(2)).join('-');
    this.cursor = cursor;
    this.apply = apply;
    this.report = report;
  }

  start() {
    if (this.channel) return;
    this.channel = new BroadcastChannel(this.name);
    this.channel.onmessage = ({ data }) => this.#heard(data);
    this.election = new this.Election(this.name, { lead: () => this.#lead(), resign: () => this.#resign() });
    this.election.stand();
    this.#ask();
    this.timer = setInterval(() => this.#probe(), PATIENCE);
    document.addEventListener('visibilitychange', this.#probe);
  }

  /** Let go of everything, so that another tab leads at once and this page may rest in the back/forward cache. */
  stop() {
    this.election?.leave();
    clearInterval(this.timer);
    document.removeEventListener('visibilitychange', this.#probe);
    this.channel?.close();
    this.election = this.channel = undefined;
  }

  #lead() {
    this.stream = new Stream((event) => this.#pass(event), (state) => this.#declare(state));
    this.#open(this.cursor);
    this.#tell({ kind: 'leader' });
  }

  #resign() {
    this.stream?.close();
    this.stream = undefined;
  }

  #open(cursor) {
    this.#recent = [];
    this.floor = cursor;
    this.stream.open(cursor);
  }

  #pass(event) {
    this.#take(event);
    this.#tell({ kind: 'event', event });
    if (!event.id) return;
    this.#recent.push(event);
    if (this.#recent.length > REMEMBERED) this.floor = this.#recent.shift().id;
  }

  #declare(state) {
    this.#state = state;
    this.report(state);
    if (state === 'signed-out') this.stop(); // the next one finds out for itself: it may be signed in again
    else this.#tell({ kind: 'alive', state });
  }

  #tell(message) {
    this.channel?.postMessage(message);
  }

  #heard({ kind, event, state, to, from, cursor }) {
    if (kind === 'ask') {
      if (this.stream) this.#answer(from, cursor);
    } else if (kind === 'leader') {
      this.#ask();
    } else if (!this.stream && (!to || to === this.tab)) {
      this.#unanswered = 0;
      if (event) this.#take(event);
      else this.report(state);
    }
  }

  #answer(to, cursor) {
    this.stream.check();
    if (isAfter(this.floor, cursor)) this.#open(cursor);
    for (const event of this.#recent) if (isAfter(event.id, cursor)) this.#tell({ kind: 'event', event, to });
    this.#tell({ kind: 'alive', state: this.#state, to });
  }

  #take({ data, id, prev }) {
    if (data.type === 'reset') this.cursor = id;
    else if (id) {
      if (!isAfter(id, this.cursor)) return;
      if (!this.stream && isAfter(prev, this.cursor)) return void this.#ask();
      this.cursor = id;
    }
    this.apply({ ...data, cursor: id });
  }

  #ask() {
    this.#tell({ kind: 'ask', from: this.tab, cursor: this.cursor });
  }

  /**
   * Only a visible tab is in a hurry: timers of hidden ones are slowed. They learn of a leader that died from
   * its lock; where there are no locks they have to ask, too.
   */
  #probe = () => {
    if (this.stream || (document.hidden && navigator.locks)) return void (this.#unanswered = 0);
    if (this.#unanswered > 0) return void this.#replace();
    this.#unanswered += 1;
    this.#ask();
  };

  #replace() {
    this.#unanswered = 0;
    this.election.take();
  }
}
