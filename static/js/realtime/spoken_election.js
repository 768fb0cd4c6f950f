const QUIET = 150; // with nobody's voice for this long, and up to twice as long, there is no leader

/**
 * As `LockElection`. Plain HTTP beyond localhost has no locks, so the tabs agree by talking. Where two lead, because
 * they spoke at the same moment or one was frozen, the later one stays: for that moment there are two streams, which
 * does no harm, as each tab keeps its own cursor.
 */
export class SpokenElection {
  #since = 0; // when this tab began to lead; 0: it does not

  /** @param {string} name @param {import('./election.js').Told} told */
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
