/**
 * Which tab of a browser leads. Either kind calls `lead` when it is this tab's turn, and `resign` when that is
 * over: another tab took it, or this one left.
 *
 * @typedef {{lead: () => void, resign: () => void}} Told
 * @param {string} name @param {Told} told
 */
export const elect = (name, told) =>
  (navigator.locks ? new LockElection(name, told) : new SpokenElection(name, told));

/** The browser keeps the line; a tab that closes or crashes leaves it at once. */
class LockElection {
  constructor(name, told) {
    this.name = name;
    this.told = told;
  }

  stand() {
    this.#queue();
  }

  /** Take it from a leader that has stopped answering. */
  take() {
    this.#queue(true);
  }

  leave() {
    this.waiting?.abort();
    this.#end();
  }

  async #queue(steal = false) {
    this.waiting?.abort();
    const waiting = new AbortController();
    this.waiting = waiting;
    const options = steal ? { steal } : { signal: waiting.signal };
    try {
      await navigator.locks.request(this.name, options, () => this.#hold());
    } catch (error) {
      if (error.name !== 'AbortError') return void this.told.lead(); // locks are forbidden here
    }
    if (this.waiting !== waiting || waiting.signal.aborted) return;
    this.#end(); // somebody took it while this tab was frozen
    this.#queue();
  }

  #hold() {
    this.told.lead();
    return new Promise((resolve) => { this.release = resolve; });
  }

  #end() {
    this.told.resign();
    this.release?.();
  }
}

const QUIET = 150; // with nobody's voice for this long, and up to twice as long, there is no leader

/**
 * Plain HTTP beyond localhost has no locks, so the tabs agree by talking. Where two lead, because they spoke at
 * the same moment or one was frozen, the later one stays: for that moment there are two streams, which does no
 * harm, as each tab keeps its own cursor.
 */
class SpokenElection {
  #since = 0; // when this tab began to lead; 0: it does not

  constructor(name, told) {
    this.told = told;
    this.tab = crypto.getRandomValues(new Uint32Array(1))[0];
    this.channel = new BroadcastChannel(`${name}:election`);
    this.channel.onmessage = ({ data }) => this.#heard(data);
  }

  stand() {
    this.#say('who');
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.take(), QUIET * (1 + Math.random()));
  }

  take() {
    clearTimeout(this.timer);
    if (!this.#since) {
      this.#since = Date.now();
      this.told.lead();
    }
    this.#say('here');
  }

  leave() {
    clearTimeout(this.timer);
    if (this.#since) this.#say('gone');
    this.#end();
    this.channel.close();
  }

  #heard({ kind, since, tab }) {
    if (kind === 'gone') {
      if (!this.#since) this.stand();
    } else if (kind === 'who') {
      if (this.#since) this.#say('here');
    } else {
      clearTimeout(this.timer);
      if (!this.#since) return;
      if (since > this.#since || (since === this.#since && tab > this.tab)) this.#end();
      else this.#say('here');
    }
  }

  #end() {
    this.#since = 0;
    this.told.resign();
  }

  #say(kind) {
    this.channel.postMessage({ kind, since: this.#since, tab: this.tab });
  }
}
