/**
 * Ask before something is lost for good. What `act` throws is said, and the question stays open.
 *
 * @param {{question: string, yes: string, no: string, failed: string, act: () => Promise,
 *   problem?: Error}} asked `problem`: it was tried already, and failed so
 */
export function ask({ question, yes, no, failed, act, problem }) {
  const asker = document.querySelector(':focus-visible');
  const dialog = document.createElement('dialog');
  dialog.className = 'confirm';
  dialog.setAttribute('aria-label', question);
  dialog.innerHTML = `<form method="dialog"><p></p>
    <p class="buttons"><button class="button danger" value="yes"></button>
    <button class="button" value="" autofocus></button></p>
    <p class="error" role="alert" hidden></p></form>`;
  dialog.querySelector('p').textContent = question;
  const [agree, keep] = dialog.querySelectorAll('button');
  agree.textContent = yes;
  keep.textContent = no;
  dialog.addEventListener('close', async () => {
    giveBack(asker);
    if (dialog.returnValue !== 'yes') return dialog.remove();
    try {
      await act();
      dialog.remove();
    } catch (error) {
      open(dialog, `${failed}: ${error.message}`);
    }
  });
  document.body.append(dialog);
  open(dialog, problem && `${failed}: ${problem.message}`);
}

/** The browser gives the focus back itself, but for what shows only around a focus. */
function giveBack(asker) {
  asker?.closest('.message')?.querySelector('.permalink').focus({ preventScroll: true });
  asker?.focus({ preventScroll: true });
}

function open(dialog, trouble) {
  const alert = dialog.querySelector('[role=alert]');
  alert.hidden = !trouble;
  alert.textContent = trouble ?? '';
  dialog.returnValue = '';
  dialog.showModal();
}
