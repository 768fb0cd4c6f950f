import { base, request } from '../helpers/server.js';
import { Backoff } from './backoff.js';
import { Watchdog } from './watchdog.js';

const SIGNALS = ['typing', 'presence'];
const EVENTS = ['message', 'message:updated', 'message:deleted', 'read', 'user:updated', 'member:joined',
  'member:left', 'conversation:joined', 'conversation:left', 'conversation:updated', ...SIGNALS];
const SWALLOWED = 6000; // `ready` comes at once, a ping within 2 s, unless a proxy fills a buffer with them
const LUMP = 500; // what follows sooner may have waited in the same buffer

let debugging = 'debug' in document.documentElement.dataset;
try {
  debugging ||= localStorage.getItem('chat-debug') === '1';
} catch { /* forbidden */ }

/** Tell the life of the stream in the console, where it was asked for. */
function debug(...words) {
  if (debugging) console.info('chat:', ...words);
}

/** One EventSource after another, each starting where the last one ended. */
export class Stream {
  #source;
  #timer;
  #late; // something of this source is overdue
  #held; // a proxy holds events back
  #readyAt; // until something followed it by itself
  #turn = 0;
  #backoff = new Backoff();
  #watchdog = new Watchdog((why) => this.open(this.cursor, why));

  /**
   * @param {(event: {data: import('../types.js').Event, id?: string, prev: string}) => void} received
   * @param {(state: import('../types.js').State) => void} report
   */
  constructor(received, report) {
    this.received = received;
    this.report = report;
  }

  /** Connect now, forgetting any wait. */
  open(cursor, why = 'start') {
    this.#end();
    this.cursor = cursor;
    debug('connecting', why, cursor);
    this.#watchdog.start();
    this.#expect();
    const source = new EventSource(`${base}/api/sse?cursor=${encodeURIComponent(cursor)}`);
    this.#source = source;
    source.onerror = () => this.#lost(source.readyState === EventSource.CLOSED);
    for (const type of EVENTS) this.#listen(type, (event) => this.#event(event));
    this.#listen('ping', () => {});
    this.#listen('ready', (_, data) => this.#ready(data));
    this.#listen('reset', (_, data) => this.#advance(data.cursor, { ...data, type: 'reset' }));
    this.#listen('reconnect', () => this.#lost(false));
  }

  close() {
    this.#end();
    this.#watchdog.stop();
  }

  /** Look whether the stream still lives, for a tab whose own timers are not slowed. */
  check() {
    this.#watchdog.check('asked');
  }

  #listen(type, handle) {
    this.#source.addEventListener(type, (event) => {
      this.#watchdog.heard();
      handle(event, JSON.parse(event.data || '{}'));
      this.#judge(type);
    });
  }

  #event(event) {
    const data = JSON.parse(event.data);
    debug('received', data.type ?? event.type, event.lastEventId);
    // EventSource repeats the last id on an event that has none.
    if (SIGNALS.includes(event.type)) this.received({ data });
    else this.#advance(event.lastEventId, { type: event.type, ...data });
  }

  #ready({ cursor }) {
    debug('connected', cursor);
    this.#advance(cursor, { type: 'ready' });
    this.received({ data: { type: 'connected' } }); // for every tab, whatever its cursor
    if (this.#late) return;
    this.#readyAt = performance.now();
    this.#expect();
    if (!this.#held) this.report('live');
  }

  /**
   * Whether events still pass one by one. A proxy may have let `ready` through because it filled a buffer, and
   * hold back what follows: the first ping tells. Once something was late, only another try can tell, and only
   * by its ping: where much is written, one full buffer may follow another like a stream.
   */
  #judge(type) {
    if (this.#late) {
      this.#late = false;
      this.#again(this.#backoff.next());
    } else if ((type === 'ping' || !this.#held) && performance.now() - this.#readyAt > LUMP) {
      clearTimeout(this.#timer);
      this.#readyAt = undefined;
      this.#held = false;
      this.#backoff.reset(); // not with `ready`: what ends right behind it is tried ever less
      this.report('live');
    }
  }

  #advance(id, data) {
    const prev = this.cursor;
    this.cursor = id;
    this.received({ data, id, prev });
  }

  #expect() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#swallowed(), SWALLOWED);
  }

  #swallowed() {
    this.#held = this.#late = true;
    this.#readyAt = undefined;
    this.report('polling');
  }

  #end() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#late = false;
    this.#readyAt = undefined;
    this.#turn += 1;
  }

  /** Native EventSource never comes back from a 502, so each loss is answered with a new one. */
  async #lost(refused) {
    this.#end();
    const turn = this.#turn;
    this.#watchdog.heard();
    if (!this.#held || refused) this.report(navigator.onLine ? 'reconnecting' : 'offline');
    let wait = this.#backoff.next();
    if (refused) {
      // EventSource hides the status: ask who we are, to tell "signed out" from "server away".
      const problem = await request('/api/me').catch((error) => error);
      if (turn !== this.#turn) return; // opened or closed meanwhile
      if (problem.status === 401) return void this.#signedOut();
      wait = Math.max(wait, problem.retryAfter ?? 0);
    }
    this.#again(wait);
  }

  #again(wait) {
    debug('reconnecting', `in ${Math.round(wait)} ms`);
    this.#timer = setTimeout(() => this.open(this.cursor, 'again'), wait);
  }

  #signedOut() {
    this.close();
    this.report('signed-out');
  }
}
