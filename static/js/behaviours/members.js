import { conversationOf } from '../helpers/conversation.js';
import { base, isPassing, request } from '../helpers/server.js';
import { Backoff } from '../realtime/backoff.js';

const SOON = 1000; // several come and go at once, and not all who look ask at once

/** Keep the people in the open details true: the page is asked for anew. To be called before any event comes. */
export function wireMembers(list, id, feed) {
  const body = list.closest('.details-body');
  const backoff = new Backoff();
  let timer;

  const refresh = async () => {
    timer = undefined;
    try {
      const answer = await request(location.pathname.slice(base.length));
      show(await answer.text());
      backoff.reset();
    } catch (problem) {
      if (isPassing(problem)) soon(backoff.next(problem));
      else if (problem.status === 404) out();
    }
  };

  const show = (page) => {
    const fresh = new DOMParser().parseFromString(page, 'text/html').querySelector('[data-members]');
    if (!fresh) return; // signed out, it is the page to sign in
    const focused = list.contains(document.activeElement) && document.activeElement.getAttribute('aria-label');
    list.replaceChildren(...fresh.childNodes);
    if (focused === false) return;
    (list.querySelector(`[aria-label="${CSS.escape(focused)}"]`) ?? list).focus({ preventScroll: true });
  };

  const out = () => {
    const told = document.createElement('p');
    told.textContent = 'You are no longer in this conversation.';
    // Where the conversation is beside it, that says so aloud.
    if (!document.querySelector('section.conversation').offsetHeight) told.role = 'alert';
    body.replaceChildren(told); // nothing in it can be done any more
  };

  const soon = (wait = Math.random() * SOON) => { timer ??= setTimeout(refresh, wait); };
  for (const type of ['member:joined', 'member:left']) {
    feed.on(type, (event) => conversationOf(event) === id && soon());
  }
  feed.on('conversation:left', (event) => conversationOf(event) === id && out());
  feed.on('conversation:joined', (event) => { // let in again
    if (conversationOf(event) === id && !list.isConnected) location.reload();
  });
  feed.on('user:updated', () => soon());
  feed.on('reset', () => soon());
}
