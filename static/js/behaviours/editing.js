import { call } from '../helpers/server.js';
import { keep, own, recall } from '../helpers/storage.js';
import { ask } from './asking.js';

const draftOf = (row) => own(`draft:${row.dataset.messageId}`);

/** Edit a message where it stands. */
export async function edit(row) {
  if (row.querySelector('.message-edit')) return;
  try {
    await open(row);
  } catch (problem) {
    if (problem.status) return void location.assign(row.querySelector('.edit').href); // says in full what is wrong
    ask({
      question: 'This message could not be opened for editing.',
      yes: 'Try again',
      no: 'Leave it',
      failed: 'Not opened',
      act: () => open(row),
      problem,
    });
  }
}

async function open(row) {
  const message = await call('GET', `/api/messages/${row.dataset.messageId}`);
  if (row.querySelector('.message-edit')) return; // asked for twice
  const form = document.getElementById('edit-template').content.firstElementChild.cloneNode(true);
  const body = row.querySelector('.body');
  form.elements.content.value = recall(draftOf(row)) ?? message.content;
  body.after(form);
  body.hidden = true;
  wire(form, row, () => { form.remove(); body.hidden = false; });
  form.elements.content.focus();
}

function wire(form, row, close) {
  const field = form.elements.content;
  field.addEventListener('input', () => keep(draftOf(row), field.value)); // the page may be loaded anew meanwhile
  const done = () => {
    close();
    keep(draftOf(row), null);
    document.querySelector('[data-composer] textarea')?.focus({ preventScroll: true });
  };
  form.querySelector('[data-cancel]').addEventListener('click', done);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      await call('PATCH', `/api/messages/${row.dataset.messageId}`, { content: field.value.trim() });
      done();
    } catch (problem) {
      form.querySelector('[role=alert]').textContent = `Not saved: ${problem.message}`;
    }
  });
  field.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    if (event.key === 'Escape') done();
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

/** Delete a message, once that was asked and answered. */
export function remove(row) {
  ask({
    question: 'Delete this message for everybody?',
    yes: 'Delete',
    no: 'Keep',
    failed: 'Not deleted',
    act: () => call('DELETE', `/api/messages/${row.dataset.messageId}`),
  });
}
