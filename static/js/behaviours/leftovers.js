import { keep, names, own, recall } from '../helpers/storage.js';

const KINDS = /^(dm|group)_/; // drafts are kept of edits, too: those have their message's id

/** Show below the list what was written where one is no longer, to be copied or discarded. */
export function wireLeftovers(nav) {
  const place = document.createElement('div');
  nav.parentElement.append(place);
  const show = () => place.replaceChildren(...leftovers(nav).map((left) => box(left, show)));
  new MutationObserver(show).observe(nav, { childList: true });
  show();
}

function leftovers(nav) {
  const drafts = names(own('draft:')).map((key) => ({
    key, text: recall(key), conversation: key.slice(own('draft:').length),
  }));
  const refused = names(own('out:')).map((key) => ({ key, entry: recall(key) }))
    .filter(({ entry }) => entry?.failed)
    .map(({ key, entry: { conversation, body } }) => ({ key, text: body.content, conversation }));
  return [...drafts.filter(({ conversation }) => KINDS.test(conversation)), ...refused].filter(
    ({ text, conversation }) => text && !nav.querySelector(`[data-conversation-id="${CSS.escape(conversation)}"]`),
  );
}

function box({ key, text }, changed) {
  const section = document.createElement('section');
  section.className = 'flash section';
  section.innerHTML = `<p>You wrote this in a group that you are no longer in. It was not sent.</p>
    <textarea class="input" rows="3" dir="auto" readonly aria-label="What you wrote"></textarea>
    <p><button class="button slim" type="button">Discard</button></p>`;
  section.querySelector('textarea').value = text;
  section.querySelector('button').addEventListener('click', () => { keep(key, null); changed(); });
  return section;
}
