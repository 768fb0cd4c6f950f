import { base, me } from './server.js';

const memory = new Map(); // stands in where the browser forbids storage, or has no more room

/** Names what belongs to this person in this browser. */
export const own = (name) => `chat:${base}:${me}:${name}`;

/** Read what `keep` wrote. */
export function recall(key) {
  try {
    return memory.get(key) ?? JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

/** Keep a value in this browser; null forgets it. */
export function keep(key, value) {
  memory.delete(key);
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
  } catch {
    memory.set(key, value);
    addEventListener('beforeunload', warn);
  }
}

/** What is kept in this page alone would be lost with it. */
function warn(event) {
  if ([...memory.values()].some(Boolean)) event.preventDefault();
}

/** Everything kept under names that start so, in the order of the names. */
export const recallAll = (prefix) => names(prefix).sort().map(recall).filter(Boolean);

/** Forget all of it. */
export const forgetAll = (prefix) => names(prefix).forEach((key) => keep(key, null));

/** Every key that starts so. */
export function names(prefix) {
  let keys = [];
  try {
    keys = Object.keys(localStorage);
  } catch { /* forbidden */ }
  return [...keys, ...memory.keys()].filter((key) => key.startsWith(prefix));
}
