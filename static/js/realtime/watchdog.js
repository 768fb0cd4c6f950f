const TICK = 5000;
const HEARTBEAT = 20_000; // the server's `ping`
const DEAD = 2 * HEARTBEAT + 1000; // the second one did not come either
const WAKING = [
  [document, 'visibilitychange'], [document, 'resume'],
  [window, 'pageshow'], [window, 'online'], [window, 'offline'],
];

/** Notices a stream that says it is open and is not: after sleep, a frozen tab, a lost network. */
export class Watchdog {
  #heard = 0;
  #ticked = 0;
  #timer;

  /** @param {(why: string) => void} suspect makes the stream anew */
  constructor(suspect) {
    this.suspect = suspect;
  }

  start() {
    this.#heard = this.#ticked = Date.now();
    this.#timer ??= setInterval(() => this.#tick(), TICK);
    for (const [target, name] of WAKING) target.addEventListener(name, this.#wake);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const [target, name] of WAKING) target.removeEventListener(name, this.#wake);
  }

  heard() {
    this.#heard = Date.now();
  }

  #tick() {
    const now = Date.now();
    // A hidden tab's timers are slowed to one a minute, which is no sleep.
    const jumped = now < this.#ticked || (now - this.#ticked > 3 * TICK && !document.hidden);
    this.#ticked = now;
    if (jumped) this.suspect('the clock jumped');
    else if (now - this.#heard > DEAD) this.suspect('no heartbeat');
  }

  #wake = (event) => {
    if (event.type === 'online' || event.type === 'offline') this.suspect(event.type);
    else if (!document.hidden) this.check(event.type);
  };

  /** Somebody is looking: one missed heartbeat is enough. */
  check(why) {
    if (Date.now() - this.#heard > HEARTBEAT + TICK) this.suspect(why);
  }
}
