/** The conversation that an event or a message belongs to. */
export const conversationOf = (event) =>
  event.directMessageId ?? event.groupId ?? event.conversationId ?? event.conversation?.id;

/** How the API is told of a conversation. */
export const scope = (id, kind) => ({ [kind === 'dm' ? 'directMessageId' : 'groupId']: id });

/** What a message says, as one line of plain text. */
export function plainText(html) {
  const holder = document.createElement('template'); // inert: nothing in it loads or runs
  holder.innerHTML = html;
  return holder.content.textContent.trim().replace(/\s+/g, ' ');
}

/** Give the focus back to the field one writes in, where what had it is gone. */
export function backToWriting() {
  // On a phone it would open the keyboard over what one came to read.
  if (matchMedia('(hover: hover)').matches) {
    document.querySelector('[data-composer] textarea')?.focus({ preventScroll: true });
  }
}
