import { backToWriting } from '../helpers/conversation.js';
import { call } from '../helpers/server.js';
import { keep, own, recall } from '../helpers/storage.js';
import { ask } from './asking.js';

const draftOf = (row) => own(`draft:${row.dataset.messageId}`);

/** Edit a message where it stands. */
export async function edit(row, timeline) {
  if (row.querySelector('.message-edit')) return;
  try {
    await open(row, timeline);
  } catch (problem) {
    if (problem.status) return void location.assign(row.querySelector('.edit').href); // says in full what is wrong
    ask({
      question: 'This message could not be opened for editing.',
      yes: 'Try again',
      no: 'Leave it',
      failed: 'Not opened',
      act: () => open(row, timeline),
      problem,
    });
  }
}

async function open(row, timeline) {
  const message = await call('GET', `/api/messages/${row.dataset.messageId}`);
  if (row.querySelector('.message-edit')) return; // asked for twice
  const form = document.getElementById('edit-template').content.firstElementChild.cloneNode(true);
  const body = row.querySelector('.body');
  const draft = recall(draftOf(row));
  form.elements.content.value = draft?.of === message.editedAt ? draft.content : message.content;
  body.after(form);
  body.hidden = true;
  wire(form, row, message.editedAt, {
    saved: (answer) => timeline.update(answer),
    close() { form.remove(); body.hidden = false; },
  });
  form.elements.content.focus();
}

function wire(form, row, of, { saved, close }) {
  const field = form.elements.content;
  // The page may be loaded anew meanwhile. A draft `of` a text that was changed elsewhere since counts no more.
  const keepDraft = () => keep(draftOf(row), { content: field.value, of });
  field.addEventListener('input', keepDraft);
  const done = () => {
    close();
    keep(draftOf(row), null);
    backToWriting();
  };
  form.querySelector('[data-cancel]').addEventListener('click', done);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const body = row.querySelector('.body');
    const before = body.innerHTML;
    const { value } = field;
    try {
      const answer = await call('PATCH', `/api/messages/${row.dataset.messageId}`, { content: value.trim() });
      if (body.innerHTML === before) saved(answer); // else the stream was quicker, and may know of a later change
      if (field.value === value) return done();
      of = answer.editedAt; // somebody has written on
      keepDraft();
      form.querySelector('[role=alert]').textContent = '';
    } catch (problem) {
      form.querySelector('[role=alert]').textContent = `Not saved: ${problem.message}`;
    }
  });
  field.addEventListener('keydown', (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Escape') done();
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

/** Delete a message, once that was asked and answered. */
export function remove(row, timeline) {
  ask({
    question: 'Delete this message for everybody?',
    yes: 'Delete',
    no: 'Keep',
    failed: 'Not deleted',
    async act() {
      try {
        await call('DELETE', `/api/messages/${row.dataset.messageId}`);
      } catch (problem) {
        if (problem.status !== 404 || row.isConnected) throw problem; // else the answer to the first try was lost
      }
      timeline.remove(row.id);
    },
  });
}
