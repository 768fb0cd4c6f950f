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
