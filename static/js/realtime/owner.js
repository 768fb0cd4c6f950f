import { base, me } from '../helpers/server.js';

const WHO = `chat:${base}:user`;

/** The cookie is the browser's, the page is one person's: it must not go on with another's stream. */
export function claim({ signedOutHere, somebodyElse }) {
  write(me);
  window.addEventListener('storage', ({ key, newValue }) => {
    if (key === WHO && newValue !== me) (newValue ? somebodyElse : signedOutHere)();
  });
}

/** Whether this browser is still the page's person's, as far as it remembers. */
export function isMine() {
  try {
    return (localStorage.getItem(WHO) ?? me) === me;
  } catch {
    return true; // forbidden: the server still checks each request
  }
}

/** Tell every tab that its person has signed out. */
export const leaveToOthers = () => write('');

function write(owner) {
  try {
    localStorage.setItem(WHO, owner);
  } catch { /* forbidden */ }
}
