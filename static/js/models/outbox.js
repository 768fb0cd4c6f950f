import { scope } from '../helpers/conversation.js';
import { call, isPassing, me } from '../helpers/server.js';
import { keep, own, recall, recallAll } from '../helpers/storage.js';
import { Backoff } from '../realtime/backoff.js';

const PREFIX = own('out:');
const LEFT = 5000; // then another tab's message is sent from here: it may be gone
const STUCK = 16_000; // longer than a request may take: the tab whose turn it is was frozen or stopped
const REFUSALS = {
  401: 'Not sent: you are signed out. Sign in again, then try again.',
  403: 'Not sent: you may not write here.',
  404: 'Not sent: you are no longer in this conversation.',
  413: 'Not sent: this is too long.',
};

/** Messages on their way out, kept in the browser until the server has them: in order, each once. */
export class Outbox {
  #flushing = false;
  #backoff = new Backoff();
  #notBefore = 0; // until then the server wants to be left alone
  #wake = () => {};

  /**
   * @param {(entry: import('../types.js').Entry, sentence: ?string) => void} changed  null: it is gone
   * @param {(entry: import('../types.js').Entry, message: {id: string, content: string}) => void} sent
   */
  constructor(changed = () => {}, sent = () => {}) {
    this.changed = changed;
    this.sent = sent;
    window.addEventListener('online', () => this.flush());
    window.addEventListener('storage', ({ key, newValue, oldValue }) => {
      if (!key?.startsWith(PREFIX)) return; // another tab's doing
      const entry = recall(key); // as it is now: its message may have overtaken the event
      const told = JSON.parse(newValue ?? oldValue);
      if (told.sent) sent(told, told.sent);
      else changed(entry ?? told, entry && (entry.failed ?? ''));
      if (entry && !entry.failed) setTimeout(() => this.flush(), LEFT);
    });
  }

  waiting = () => recallAll(PREFIX);

  add(id, kind, content) {
    const clientId = `c${crypto.getRandomValues(new BigUint64Array(2)).join('')}`;
    const last = this.waiting().at(-1)?.at ?? 0;
    const at = new Date(Math.max(new Date(), +new Date(last) + 1)).toISOString(); // clocks are set back
    const body = { ...scope(id, kind), content, userId: me, clientId };
    this.#keep({ clientId, conversation: id, at, body }, '');
    this.flush();
  }

  retry(clientId) {
    const entry = this.#find(clientId);
    if (entry) this.#keep({ ...entry, failed: undefined }, '');
    this.flush();
  }

  discard(clientId) {
    const entry = this.#find(clientId);
    if (!entry) return;
    keep(name(entry), null);
    this.changed(entry, null);
  }

  /** The stream brought it, whatever became of the answer. */
  arrived(clientId) {
    const entry = this.#find(clientId);
    if (entry) keep(name(entry), null);
  }

  /** Send what waits. A retry repeats the `clientId`, by which the server knows it. */
  async flush() {
    this.#wake();
    if (this.#flushing) return;
    this.#flushing = true;
    try {
      for (let wait = 0; wait !== null; wait = await this.#inTurn()) await this.#pause(wait);
    } finally {
      this.#flushing = false;
    }
    if (this.#next()) this.flush(); // came as the turn was ending
  }

  /**
   * One tab at a time, where there are locks. Two may send side by side: each sends all that waits, from the first
   * on, and the server knows by its `clientId` what it has already.
   */
  #inTurn() {
    const send = () => this.#sendAll();
    const signal = AbortSignal.timeout(STUCK);
    return navigator.locks?.request(own('outbox'), { signal }, send).catch(send) ?? send();
  }

  /** @returns {Promise<?number>} how long to wait before the next try; null: none is left */
  async #sendAll() {
    for (let entry; (entry = this.#next());) {
      const wait = await this.#send(entry);
      if (wait !== null) return wait;
    }
    return null;
  }

  async #send(entry) {
    try {
      const { id, content } = await call('POST', '/api/messages', entry.body);
      keep(name(entry), { ...entry, sent: { id, content } }); // for other tabs: it is gone, but not lost
      keep(name(entry), null);
      this.sent(entry, { id, content });
    } catch (problem) {
      return this.#find(entry.clientId) ? this.#refused(entry, problem) : null;
    }
    this.#backoff.reset();
    return null;
  }

  #refused(entry, problem) {
    if (isPassing(problem)) {
      this.#notBefore = performance.now() + (problem.retryAfter ?? 0);
      this.changed(entry, `Not sent yet, but it goes out by itself: ${problem.message}`);
      return this.#backoff.next(problem);
    }
    const failed = REFUSALS[problem.status] ?? `Not sent: ${problem.message}`;
    this.#keep({ ...entry, failed }, failed);
    return null;
  }

  #pause(wait) {
    return new Promise((resolve) => {
      this.#wake = () => performance.now() < this.#notBefore || resolve();
      setTimeout(resolve, wait);
    });
  }

  #next = () => this.waiting().find(({ failed }) => !failed);
  #find = (id) => this.waiting().find(({ clientId }) => clientId === id);

  #keep(entry, sentence) {
    keep(name(entry), entry);
    this.changed(entry, sentence);
  }
}

const name = ({ at, clientId }) => `${PREFIX}${at}:${clientId}`; // sorts by time
