import { backToWriting } from '../helpers/conversation.js';
import { decorate } from '../helpers/decorate.js';
import { isAfter } from '../helpers/feed.js';
import { fillAuthor, fillText, messageRow, pendingRow, personalise } from '../helpers/message_row.js';

const MOST = 300; // rows in the page: the rest is asked for again by whoever scrolls there
const SLACK = 50; // let them grow a little, rather than prune with each arrival
const REAL = '.message[data-message-id]';

/**
 * The rows of one conversation: a window onto it. `atEnd` says that the window's lower edge is the newest
 * message; only then may one that arrives be put below it, else it would hide a gap.
 */
export class Timeline {
  #news = null;
  #cursor = document.body.dataset.cursor; // what was said up to here is in the window, or lies before it

  /** @param {HTMLElement} list @param {{atEnd: boolean, hasOlder: boolean}} edges */
  constructor(list, { atEnd, hasOlder }) {
    this.list = list;
    this.atEnd = atEnd;
    this.hasOlder = hasOlder;
    this.rows().forEach((row) => { personalise(row); decorate(row); });
  }

  rows = () => [...this.list.querySelectorAll(REAL)];
  first = () => this.list.querySelector(REAL);
  row = (id) => this.list.querySelector(`#${CSS.escape(id)}`);

  /** The last message that the server knows. */
  last() {
    let row = this.list.lastElementChild;
    while (row && !row.matches(REAL)) row = row.previousElementSibling;
    return row;
  }

  /** The window ends where the conversation did at this cursor, if there is one. */
  endAt(cursor) {
    this.atEnd = Boolean(cursor);
    this.#cursor = cursor || this.#cursor;
  }

  /** Whether no page brought it: a stream that is late brings it again. */
  isNew = ({ cursor, id }) => isAfter(cursor, this.#cursor) && !this.#shows(id);

  #shows = (id) => this.row(id)?.matches(REAL);

  /** Put an arriving message at the end, once. */
  add(message) {
    this.#news?.push(() => this.add(message));
    if (!this.atEnd) this.sent(message.clientId, message);
    else if (this.isNew(message)) this.#insert(message);
    else this.settle(message.clientId);
  }

  #insert(message) {
    this.settle(message.clientId); // first: a page may have brought its row
    if (this.row(message.id)) return false;
    this.#place(messageRow(message), this.list.querySelector('[data-client-id]'));
    return true;
  }

  update(message) {
    this.#news?.push(() => this.update(message));
    const row = this.row(message.id);
    if (row) fillText(row, message);
  }

  remove(id) {
    this.#news?.push(() => this.remove(id));
    const row = this.row(id);
    if (row) this.#drop(row);
  }

  rename(user) {
    for (const row of this.rows()) if (row.dataset.authorId === user.id) fillAuthor(row, user);
  }

  /** @param {import('../types.js').Entry} entry */
  addPending(entry, author) {
    const row = this.#pending(entry.clientId) ?? pendingRow(entry, author);
    if (!row.isConnected) this.#place(row, null);
    return row;
  }

  /** The server has it, under this id. Its row stays until the real one comes, or the news that it was deleted. */
  sent(clientId, { id, content }) {
    const row = this.#pending(clientId);
    if (this.#shows(id) || !content) this.settle(clientId);
    else if (row) row.id = id;
  }

  /** The real one is here, or it was discarded. */
  settle(clientId) {
    const row = this.#pending(clientId);
    if (row) this.#drop(row);
  }

  #pending = (clientId) => clientId && this.list.querySelector(`[data-client-id="${CSS.escape(clientId)}"]`);

  /**
   * Put a fetched page at an edge. What changed while it was under way is applied on top of it: the answer
   * may have been read before the change, and the change came when its row was not here yet.
   */
  async load(fetchPage, place) {
    this.#news = [];
    try {
      place(await fetchPage());
      const news = this.#news;
      this.#news = null;
      for (const apply of news) apply();
    } finally {
      this.#news = null;
    }
  }

  prepend(messages) {
    const next = this.first();
    const fresh = messages.filter(({ id }) => !this.row(id)).map(messageRow);
    this.list.prepend(...fresh);
    fresh.forEach(decorate);
    if (next) decorate(next);
  }

  /** @returns {import('../types.js').Message[]} those that were not here yet */
  append(messages) {
    return messages.filter((message) => this.#insert(message));
  }

  /** Show these alone, as after a `reset`. What is on its way out stays. */
  replace(messages) {
    const unread = this.list.querySelector('[data-unread]');
    const mark = unread && nextMessage(unread)?.id;
    const edited = this.rows().filter((row) => row.querySelector('.message-edit'));
    const focused = document.activeElement;
    for (const row of [...this.list.children]) if (row.id !== row.dataset.clientId) row.remove();
    this.append(messages);
    for (const row of edited) this.#keepOpen(row);
    if (focused.isConnected) focused.focus({ preventScroll: true });
    else backToWriting();
    const marked = mark && this.row(mark);
    if (marked) { marked.before(unread); decorate(marked); }
    const pending = this.list.querySelector('[data-client-id]');
    if (pending) decorate(pending);
  }

  /** Somebody is editing it: its form stays, with the new text beneath. */
  #keepOpen(row) {
    const fresh = this.row(row.id);
    if (!fresh) return;
    row.querySelector('.body').innerHTML = fresh.querySelector('.body').innerHTML;
    row.querySelector('.edited').hidden = fresh.querySelector('.edited').hidden;
    fresh.replaceWith(row);
    decorate(row);
  }

  isLong = () => this.list.childElementCount > MOST + SLACK;

  /** Leave off the oldest rows, or the newest. */
  prune(end) {
    const over = this.rows().length - MOST;
    if (!this.isLong() || over <= 0) return;
    if (end === 'oldest') this.#pruneOldest(over);
    else this.#pruneNewest(over);
  }

  #pruneOldest(over) {
    const keep = this.rows()[over];
    while (this.list.firstElementChild !== keep) this.list.firstElementChild.remove();
    this.hasOlder = true;
    decorate(keep);
  }

  #pruneNewest(over) {
    this.rows().slice(-over).forEach((row) => this.#drop(row));
    this.atEnd = false;
  }

  #place(row, before) {
    this.list.insertBefore(row, before);
    decorate(row);
    if (before) decorate(before);
  }

  #drop(row) {
    const next = nextMessage(row);
    if (row.contains(document.activeElement)) backToWriting();
    row.remove();
    if (next) decorate(next);
    else while (this.list.lastElementChild?.matches('.day, .unread-divider')) this.list.lastElementChild.remove();
  }
}

function nextMessage(row) {
  let next = row.nextElementSibling;
  while (next && !next.matches('.message')) next = next.nextElementSibling;
  return next;
}
