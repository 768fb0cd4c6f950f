import { call, isPassing } from '../helpers/server.js';
import { Backoff } from '../realtime/backoff.js';

const MOST = 100; // that one call may name
const SOON = 5000;
const LATER = 10_000;
const MUCH_LATER = 60_000;

const signs = () => [...document.querySelectorAll('.online')];

/** Keep every sign of who is online true. @param {import('../helpers/feed.js').Feed} feed */
export function wirePresence(feed) {
  const presence = new Presence();
  feed.on('presence', (event) => presence.heard(event));
  feed.on('connected', () => presence.ask());
  feed.on('conversation:joined', ({ conversation }) => conversation.type === 'dm' && presence.now());
  presence.ask();
}

class Presence {
  #timer;
  #news = new Set();
  #backoff = new Backoff({ first: SOON });

  /** @param {{online: string[], offline: string[]}} event which names nobody where many came and went */
  heard({ online, offline }) {
    if (!online.length && !offline.length) return void this.ask(MUCH_LATER);
    for (const id of [...online, ...offline]) this.#news.add(id);
    this.#show(online, offline);
  }

  /** Ask in a while: who lost a stream together with this page is back by then, and not all ask at once. */
  ask(within = LATER) {
    this.#wait(SOON + Math.random() * within);
  }

  async now() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      await this.#fetch();
      this.#backoff.reset();
    } catch (problem) {
      if (isPassing(problem)) this.#wait(this.#backoff.next(problem));
    }
  }

  #wait(wait) {
    this.#timer ??= setTimeout(() => this.now(), wait);
  }

  async #fetch() {
    const ids = [...new Set(signs().map((sign) => sign.dataset.person))].filter(Boolean);
    while (ids.length) {
      const asked = ids.splice(0, MOST);
      this.#news.clear();
      const query = new URLSearchParams(asked.map((id) => ['userId', id]));
      const { online } = await call('GET', `/api/presence?${query}`);
      const quiet = asked.filter((id) => !this.#news.has(id)); // of the others a newer word was heard
      this.#show(quiet.filter((id) => online.includes(id)), quiet.filter((id) => !online.includes(id)));
    }
  }

  #show(online, offline) {
    for (const sign of signs()) {
      const id = sign.dataset.person;
      if (online.includes(id)) sign.textContent = 'online';
      else if (offline.includes(id)) sign.textContent = '';
    }
  }
}
