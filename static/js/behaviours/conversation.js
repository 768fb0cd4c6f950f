import { conversationOf, plainText } from '../helpers/conversation.js';
import { me } from '../helpers/server.js';
import { showFailure } from '../helpers/message_row.js';
import { Outbox } from '../models/outbox.js';
import { ReadState } from '../models/read_state.js';
import { Timeline } from '../models/timeline.js';
import { Typing } from '../models/typing.js';
import { persistently } from '../realtime/backoff.js';
import { Composer } from './composer.js';
import { wireActions } from './message_actions.js';
import { Scrolling } from './scrolling.js';

/** Make the open conversation live. @param {HTMLElement} section @param {import('../helpers/feed.js').Feed} feed */
export function wireConversation(section, feed, { unread, announce }) {
  const { conversationId: id, kind } = section.dataset;
  const here = (handle) => (event) => conversationOf(event) === id && handle(event);
  const timeline = newTimeline(section);
  let readState = null;
  const scrolling = new Scrolling(section, timeline, { id, kind }, () => readState?.mark());
  readState = new ReadState(id, timeline, () => scrolling.following, unread ? null : timeline.last()?.id);
  const afresh = () => scrolling.afresh();
  const typing = new Typing(id, (names) => showTyping(section.querySelector('[data-typing]'), names));
  const outbox = wireOutbox(timeline, id, scrolling);
  const actions = wireActions(timeline);
  const form = section.querySelector('[data-composer]');
  const composer = form && new Composer(form, id, {
    send(text) { typing.sent(); outbox.add(id, kind, text); scrolling.toEnd().catch(() => {}); },
    typed: () => typing.tell(),
    editLast: () => actions.editLast(),
  });

  const tell = ({ userId, author, html }) => {
    if (userId === me) return;
    scrolling.count();
    announce(`${author.displayName}: ${plainText(html)}`);
  };

  feed.on('message:created', here((message) => {
    typing.stopped(message.userId);
    outbox.arrived(message.clientId);
    if (scrolling.arrive(message)) tell(message);
    readState.mark();
  }));
  const inPlace = (change) => here((event) => scrolling.keepPlace(scrolling.topRow(), () => change(event)));
  feed.on('message:updated', inPlace((message) => timeline.update(message)));
  feed.on('message:deleted', inPlace(({ id: deleted }) => timeline.remove(deleted)));
  feed.on('user:updated', ({ user }) => timeline.rename(user));
  feed.on('typing', here(({ userId }) => userId !== me && typing.saw(userId, nameOf(userId))));
  feed.on('conversation:left', here(() => composer?.close('You are no longer in this conversation.')));
  feed.on('conversation:joined', here(() => { // in it again: nothing came of what was said meanwhile
    composer?.open();
    feed.hold(() => persistently(afresh));
  }));
  feed.on('conversation:updated', here(({ conversation }) => {
    retitle(section, conversation);
    if (conversation.archivedAt) composer?.close('This group is archived.');
    else if (composer) composer.open();
    else location.reload(); // it was archived when this page was made
  }));
  readState.mark();
  return {
    reading: (conversation) => conversation === id && readState.reading(),
    afresh,
    catchUp: () => (timeline.atEnd ? scrolling.catchUp(tell) : null),
    live: () => outbox.flush(),
    rename: (name) => kind === 'dm' && retitle(section, { name }), // after somebody in it
  };
}

function newTimeline(section) {
  const list = section.querySelector('[data-timeline]');
  section.querySelector('[data-scroller]').ariaLive = 'off'; // announced once, in words, elsewhere
  return new Timeline(list, {
    atEnd: !('hasNewer' in section.dataset),
    hasOlder: Boolean(list.dataset.olderUrl),
  });
}

function wireOutbox(timeline, id, scrolling) {
  const show = (entry, sentence) => {
    if (entry.conversation !== id) return;
    if (sentence === null) return void timeline.settle(entry.clientId);
    scrolling.keepPlace(timeline.last(), () =>
      showFailure(timeline.addPending(entry, myself()), sentence, Boolean(entry.failed)));
  };
  const outbox = new Outbox(show, ({ clientId }, message) => timeline.sent(clientId, message));
  for (const entry of outbox.waiting()) show(entry, entry.failed ?? '');
  outbox.flush();
  timeline.list.addEventListener('click', ({ target }) => {
    const clientId = target.closest('[data-client-id]')?.dataset.clientId;
    if (clientId && target.closest('[data-retry]')) outbox.retry(clientId);
    else if (clientId && target.closest('[data-discard]')) outbox.discard(clientId);
  });
  return outbox;
}

/** One's own name and colour, as the page shows them at the side. */
function myself() {
  const avatar = document.querySelector('.me .avatar');
  const label = document.querySelector('.me')?.getAttribute('aria-label') ?? '';
  const displayName = label.slice(label.indexOf(': ') + 2);
  return avatar && { displayName, initials: avatar.textContent, hue: avatar.dataset.hue };
}

/** From the list, where there is a direct message with them, or from what they said here. */
const nameOf = (id) => document.querySelector(
  `.conversation-item:has([data-person="${id}"]) .name, [data-author-id="${id}"] .author`,
)?.textContent;

function showTyping(line, names) {
  const [first = 'Somebody', second = 'somebody'] = names;
  const sentences = ['', `${first} is typing…`, `${first} and ${second} are typing…`];
  const sentence = sentences[names.length] ?? 'Several people are typing…';
  if (line.textContent !== sentence) line.textContent = sentence; // or a screen reader says it again
}

function retitle(section, { name, topic }) {
  if (!name || name === section.ariaLabel && topic === undefined) return;
  document.title = document.title.replace(section.ariaLabel, () => name);
  section.ariaLabel = name;
  section.querySelector('textarea')?.setAttribute('aria-label', `Write to ${name}`);
  for (const title of document.querySelectorAll('[data-title]')) title.textContent = name;
  for (const line of document.querySelectorAll('.topic')) line.textContent = topic ?? '';
}
