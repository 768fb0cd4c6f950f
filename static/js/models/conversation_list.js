import { conversationOf, plainText } from '../helpers/conversation.js';
import { isAfter } from '../helpers/feed.js';
import { base, isPassing, me, request } from '../helpers/server.js';
import { localise } from '../helpers/times.js';
import { Backoff } from '../realtime/backoff.js';

const unreadOf = (item) => Number(item.querySelector('.unread-count').textContent);
const template = document.getElementById('conversation-item-template');

/** The list at the side: newest activity first, and nothing moves under a pointer or a focus. */
export class ConversationList {
  #raised = new Set();
  #timer;
  #backoff = new Backoff();
  #last = Promise.resolve();
  #cursor = document.body.dataset.cursor; // what lies up to here is in the list
  #meanwhile = null;

  /** @param {HTMLElement} nav @param {(id: string) => boolean} isRead whether it is being read right now */
  constructor(nav, isRead, changed) {
    this.nav = nav;
    this.isRead = isRead;
    this.changed = changed;
    const tellTimes = () => { for (const time of nav.querySelectorAll('time')) localise(time, 'list'); };
    tellTimes();
    document.addEventListener('visibilitychange', tellTimes); // it may be another day
    for (const name of ['pointerleave', 'focusout']) {
      nav.addEventListener(name, () => setTimeout(() => this.#settle()));
    }
  }

  item = (id) => this.nav.querySelector(`[data-conversation-id="${CSS.escape(id)}"]`);
  unread = () => [...this.nav.children].reduce((sum, item) => sum + unreadOf(item), 0);

  /** Let an event change the list, unless it is in it; once more, where the list is being read just now. */
  heard(event, change) {
    if (!isAfter(event.cursor, this.#cursor)) return;
    this.#meanwhile?.push([event, change]);
    change(event);
  }

  arrived(message) {
    const id = conversationOf(message);
    const item = this.item(id);
    if (!item) return void this.refresh();
    this.#describe(item, message);
    this.#raise(id);
    if (message.userId !== me && !this.isRead(id)) this.count(id, unreadOf(item) + 1);
  }

  edited(message) {
    const item = this.item(conversationOf(message));
    if (item?.dataset.lastMessageId === message.id) this.#describe(item, message);
  }

  count(id, unread) {
    const item = this.item(id);
    if (!item) return;
    item.querySelector('.unread-count').textContent = unread || '';
    this.changed();
  }

  /** @param {import('../types.js').Conversation} conversation */
  put(conversation) {
    const item = this.item(conversation.id) ?? this.#newItem(conversation);
    this.rename(conversation);
    if (conversation.lastMessage) this.#describe(item, conversation.lastMessage);
    else for (const part of item.querySelectorAll('.last-words, time')) part.textContent = part.dateTime = '';
    this.count(conversation.id, conversation.unreadCount);
    return item;
  }

  joined(conversation) {
    this.put(conversation);
    this.#raise(conversation.id);
  }

  rename({ id, name, type, members }) {
    const others = members.filter((user) => user.id !== me);
    const item = this.item(id);
    if (!item) return;
    const shown = others.length ? others : members; // a conversation with oneself
    item.querySelector('.name').textContent = name ?? shown.map((user) => user.displayName).join(', ');
    if (type !== 'dm') return;
    const avatar = item.querySelector('.avatar');
    avatar.textContent = shown[0].initials;
    avatar.dataset.hue = shown[0].hue;
    item.querySelector('.online')?.setAttribute('data-person', others.length === 1 ? others[0].id : '');
  }

  left(id) {
    this.item(id)?.remove();
    this.changed();
  }

  /** Ask for the whole list, a little later: what makes one page ask makes all of them ask. */
  refresh(wait = 200) {
    this.#timer ??= setTimeout(() => this.reload().catch((problem) => {
      if (isPassing(problem)) this.refresh(this.#backoff.next(problem));
    }), wait + Math.random() * 1800);
  }

  /** The whole list, at once. */
  reload() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#last = this.#last.catch(() => {}).then(() => this.#load());
    return this.#last;
  }

  async #load() {
    const meanwhile = this.#meanwhile = [];
    try {
      const answer = await request('/api/conversations');
      this.#show(await answer.json());
      this.#cursor = answer.headers.get('Chat-Cursor');
    } finally {
      this.#meanwhile = null;
    }
    this.#backoff.reset();
    for (const [event, change] of meanwhile) this.heard(event, change);
  }

  #show(conversations) {
    const kept = new Set(conversations.map(({ id }) => id));
    for (const item of [...this.nav.children]) if (!kept.has(item.dataset.conversationId)) item.remove();
    conversations.forEach((conversation) => this.put(conversation));
    for (const { id } of [...conversations].reverse()) this.#raise(id);
  }

  #newItem({ id, type, private: isPrivate }) {
    const item = template.content.firstElementChild.cloneNode(true);
    Object.assign(item.dataset, { conversationId: id, kind: type });
    item.href = `${base}/conversations/${id}#unread`;
    if (type === 'group') {
      const avatar = item.querySelector('.avatar');
      avatar.textContent = '#';
      avatar.dataset.kind = type;
      if (isPrivate) item.dataset.private = '';
    }
    this.nav.append(item);
    return item;
  }

  #describe(item, message) {
    const several = item.dataset.kind !== 'dm' || item.querySelector('.name').textContent.includes(', ');
    const speaker = message.userId === me ? 'You: ' : several ? `${message.author.displayName}: ` : '';
    item.dataset.lastMessageId = message.id;
    item.querySelector('.last-words').textContent = speaker + plainText(message.html).slice(0, 120);
    localise(item.querySelector('time'), 'list', message.createdAt);
  }

  #raise(id) {
    this.#raised.delete(id);
    this.#raised.add(id);
    this.#settle();
  }

  #settle() {
    if (this.nav.matches(':hover, :focus-within')) return;
    for (const id of this.#raised) {
      const item = this.item(id);
      if (item && item !== this.nav.firstElementChild) this.nav.prepend(item);
    }
    this.#raised.clear();
  }
}
