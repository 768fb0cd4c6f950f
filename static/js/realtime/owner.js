import { base, csrf, me } from '../helpers/server.js';

const WHO = `chat:${base}:user`;
// Every session has its own CSRF secret. This piece of it tells them apart, and opens nothing.
const SESSION = `${me} ${csrf.slice(0, 16)}`;

/**
 * The cookie is the browser's, the page is one person's: it must not go on with another's stream. Nor with another
 * session of the same person: whatever it sends would be refused.
 */
export function claim({ signedOutHere, signedInAnew, somebodyElse }) {
  write(SESSION);
  window.addEventListener('storage', ({ key, newValue }) => {
    if (key !== WHO || newValue === SESSION) return;
    if (!newValue) signedOutHere();
    else (newValue.startsWith(`${me} `) ? signedInAnew : somebodyElse)();
  });
}

/** Whether this browser is still in the page's session, as far as it remembers. */
export function isMine() {
  try {
    return (localStorage.getItem(WHO) ?? SESSION) === SESSION;
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
