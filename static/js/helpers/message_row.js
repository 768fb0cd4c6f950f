import { base, me } from './server.js';
import { localise } from './times.js';

const template = document.getElementById('message-template');
const newRow = () => template.content.firstElementChild.cloneNode(true);

/** The one markup of a message, from the server's template. @param {import('../types.js').Message} message */
export function messageRow(message) {
  const row = newRow();
  const { id, author, userId, createdAt } = message;
  row.id = id;
  Object.assign(row.dataset, { messageId: id, authorId: userId, createdAt });
  row.querySelector('.permalink').href = `${base}/messages/${id}`;
  row.querySelector('.edit').href = `${base}/messages/${id}/edit`;
  row.querySelector('.delete').href = `${base}/messages/${id}/delete`;
  row.querySelector('.failure')?.remove();
  fillAuthor(row, author);
  fillText(row, message);
  personalise(row);
  return row;
}

/** What the server leaves out, so that the markup is the same for every viewer. */
export function personalise(row) {
  row.classList.toggle('mine', row.dataset.authorId === me);
  const time = row.querySelector('time');
  localise(time, 'time', row.dataset.createdAt ??= time.dateTime);
}

export function fillText(row, { html, editedAt }) {
  row.querySelector('.body').innerHTML = html; // sanitised by the server
  row.querySelector('.edited').hidden = !editedAt;
}

export function fillAuthor(row, { displayName, initials, hue }) {
  row.querySelector('.author').textContent = displayName;
  const avatar = row.querySelector('.avatar');
  avatar.textContent = initials;
  avatar.dataset.hue = hue;
}

/** A message on its way: shown as typed until the stream brings the real one. */
export function pendingRow({ clientId, body, at }, author) {
  const row = newRow();
  row.id = clientId;
  delete row.dataset.messageId; // the server knows none yet
  row.classList.add('pending');
  Object.assign(row.dataset, { clientId, authorId: me, createdAt: at });
  row.querySelector('.actions').remove();
  row.querySelector('.permalink').removeAttribute('href');
  if (author) fillAuthor(row, author);
  const source = document.createElement('p');
  source.className = 'source';
  source.textContent = body.content;
  row.querySelector('.body').replaceChildren(source);
  personalise(row);
  return row;
}

/** Say below a pending message why it is not sent; `final` once the server refused it. */
export function showFailure(row, sentence, final) {
  row.classList.toggle('pending', !final);
  row.classList.toggle('failed', final);
  const failure = row.querySelector('.failure');
  failure.hidden = !sentence;
  const alert = failure.firstElementChild;
  if (alert.textContent !== sentence) alert.textContent = sentence; // or a screen reader says it with each try
}
