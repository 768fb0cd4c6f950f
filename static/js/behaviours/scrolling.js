import { backToWriting } from '../helpers/conversation.js';
import { Pages } from '../models/pages.js';

const NEAR = 40; // pixels from the end that still count as the end
const AHEAD = 800; // load before the reader gets there

/**
 * At the end the page follows, further up it stays. The scroller is a reversed column: its scrollTop is 0 at
 * the end and negative above, so that a page opens at its end without a script.
 */
export class Scrolling {
  #missed = 0;
  #owed = 0;

  constructor(section, timeline, conversation, seen) {
    this.scroller = section.querySelector('[data-scroller]');
    this.inner = timeline.list.parentElement;
    this.scroller.style.overflowAnchor = 'none'; // keepPlace does it, in every browser
    this.button = section.querySelector('[data-new-messages]');
    this.newest = [...section.querySelectorAll('[data-newer], [data-newest]')];
    this.older = section.querySelector('[data-older]') ?? this.#olderLink();
    this.timeline = timeline;
    this.seen = seen;
    this.pages = new Pages(timeline, conversation, (change) => {
      this.keepPlace(this.topRow(), change);
      this.#prune();
    });
    this.#wire();
    this.#scrolled();
  }

  /** Show an arriving message. @returns {boolean} whether it is new here */
  arrive(message) {
    const fresh = this.timeline.isNew(message);
    const add = () => this.timeline.add(message);
    if (this.following) add();
    else this.keepPlace(this.timeline.first(), add);
    this.#prune();
    this.#show();
    return fresh;
  }

  /** Something new came, perhaps out of sight. */
  count() {
    if (!this.following) this.#missed += 1;
    this.#show();
  }

  /** Go to the newest message. */
  async toEnd() {
    backToWriting(); // what leads here goes away
    this.scroller.scrollTop = 0; // what is on its way stands there already
    if (!this.timeline.atEnd) await this.pages.newest();
    this.scroller.scrollTop = 0;
    this.#scrolled();
  }

  /** The state was reset: ask for it again, around what is being read. */
  async afresh() {
    const row = !this.following && this.topRow();
    await (row ? this.pages.around(row.id) : this.pages.newest());
    this.#scrolled();
  }

  /** What a swallowed stream did not bring: a page of it, or so much that one who follows goes on at the end. */
  async catchUp(told) {
    await this.pages.newer(told);
    if (this.following && !this.timeline.atEnd) await this.pages.newest();
    this.#scrolled();
  }

  /** Do a change while `anchor` stays where it is; its row may be made anew, with the same id. */
  keepPlace(anchor, change) {
    const top = () => document.getElementById(anchor.id)?.getBoundingClientRect().top;
    const wanted = anchor && top() + this.#owed;
    change();
    if (!anchor || this.following || top() === undefined) return;
    this.scroller.scrollTop += top() - wanted;
    this.#owed = wanted - top(); // scrolling knows whole pixels only: without this, they would add up
  }

  topRow() {
    const { top } = this.scroller.getBoundingClientRect();
    return this.timeline.rows().find((row) => row.getBoundingClientRect().bottom > top);
  }

  #wire() {
    this.scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    // Its size changes without a scroll: it is shown beside the details once the window is wide enough.
    new ResizeObserver(() => this.#scrolled()).observe(this.scroller);
    this.#onClick(this.button, () => this.toEnd());
    this.#onClick(this.older, () => this.pages.older());
    for (const link of this.newest) {
      this.#onClick(link, () => (link.matches('[data-newest]') ? this.toEnd() : this.pages.newer()));
    }
  }

  #onClick(link, act) {
    link.addEventListener('click', (event) => {
      event.preventDefault();
      Promise.resolve(act()).catch(() => {}).finally(() => this.#scrolled());
    });
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.following = this.timeline.atEnd && clientHeight > 0 && scrollTop > -NEAR;
    if (!clientHeight) return; // out of sight: nothing is read, and nothing wanted
    if (this.following) this.#missed = 0;
    this.#show();
    this.seen();
    if (scrollHeight - clientHeight + scrollTop < AHEAD && this.timeline.hasOlder) this.#more(this.pages.older());
    else if (scrollTop > -AHEAD && !this.timeline.atEnd) this.#more(this.pages.newer());
  }

  /** Where the list has become long, leave off what is further away from the reader. */
  #prune() {
    if (!this.timeline.isLong()) return;
    const rows = this.timeline.rows();
    const top = this.topRow();
    const end = this.following || rows.indexOf(top) > rows.length / 2 ? 'oldest' : 'newest';
    this.keepPlace(top, () => this.timeline.prune(end));
  }

  #more(loading) {
    if (this.loading) return;
    this.loading = loading.catch(() => false).then((loaded) => {
      this.loading = null;
      if (loaded) this.#scrolled();
    });
  }

  #show() {
    const { atEnd, hasOlder } = this.timeline;
    const words = this.#missed === 1 ? '1 new message' : `${this.#missed} new messages`;
    this.button.textContent = this.#missed ? words : 'Jump to the newest';
    this.button.hidden = this.following || (atEnd && !this.#missed);
    if (!hasOlder) this.older.remove();
    else if (!this.older.isConnected) this.inner.prepend(this.older);
    for (const link of this.newest) link.hidden = atEnd;
  }

  #olderLink() {
    const link = document.createElement('a');
    Object.assign(link, { className: 'button slim older', href: '?', textContent: 'Older messages' });
    return link;
  }
}
