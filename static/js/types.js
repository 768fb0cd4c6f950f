/**
 * The shapes that travel on the wire, for the editor's eyes: no page loads this file.
 *
 * @typedef {{id: string, name: string, displayName: string, initials: string, hue: number}} User
 * @typedef {{id: string, content: string, html: string, userId: string, directMessageId?: string,
 *   groupId?: string, createdAt: string, editedAt: ?string, clientId: ?string, author: User}} Message
 * @typedef {{id: string, type: 'dm'|'group', channel: string, name: ?string, members: User[],
 *   topic: ?string, lastMessage: ?Message, lastReadMessageId: ?string, unreadCount: number}} Conversation
 * @typedef {{type: string, cursor?: string, [field: string]: any}} Event  what `JSON.parse(event.data)` gave, and
 *   where it stands in the log, if there
 * @typedef {{clientId: string, conversation: string, body: object, at: string,
 *   failed?: string, sent?: {id: string, content: string}}} Entry  a message on its way out; `failed` says why it
 *   was refused, `sent` as what the server has it
 * @typedef {'connecting'|'live'|'reconnecting'|'offline'|'polling'|'signed-out'} State
 */
export {};
