import { base, request } from '../helpers/server.js';
import { forgetAll, own, recallAll } from '../helpers/storage.js';
import { leaveToOthers } from '../realtime/owner.js';
import { ask } from './asking.js';

/** Sign out, and leave nothing behind: the next person at this computer may be another one. */
export async function signOut(form) {
  const act = async () => {
    // Ended by the server, the stream would ask to be let in again; so it rests, as in a tab that is put to sleep.
    document.dispatchEvent(new Event('freeze'));
    try {
      await request('/sign-out', { method: 'POST', body: new FormData(form) });
    } catch (problem) {
      document.dispatchEvent(new Event('resume'));
      throw problem;
    }
    forgetAll(own(''));
    leaveToOthers();
    location.replace(`${base}/sign-in`);
  };
  const asked = {
    question: 'You have written something that is not sent yet. Signing out removes it from this browser.',
    yes: 'Sign out anyway',
    no: 'Stay signed in',
    failed: 'Not signed out',
    act,
  };
  if (isAnythingUnsent()) return void ask(asked);
  await act().catch((problem) => ask({ ...asked, question: 'Sign out of this browser?', yes: 'Sign out', problem }));
}

const isAnythingUnsent = () => recallAll(own('draft:')).length + recallAll(own('out:')).length > 0;
