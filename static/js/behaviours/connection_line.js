import { base } from '../helpers/server.js';

const GRACE = 1000; // shorter than this, nobody has to know
const GLAD = 2500;
const WORDS = {
  connecting: 'Connecting…',
  reconnecting: 'Reconnecting…',
  offline: 'Offline - what you write is kept',
  polling: 'Something between here and the server holds live updates back: asking every 2 seconds',
  'signed-out': 'You are signed out - what you write is kept. ',
};

/** The one thin line that tells the truth about the connection, and nothing while it is live. */
export function wireConnectionLine(line) {
  let state = 'connecting';
  let timer;
  const say = (words) => {
    line.textContent = words;
    line.hidden = !words;
    if (state === 'signed-out') line.append(signInLink());
  };
  const show = (next) => {
    if (next === state) return;
    state = line.dataset.state = next;
    clearTimeout(timer);
    if (state !== 'live') timer = setTimeout(() => say(WORDS[state]), line.hidden ? GRACE : 0);
    else if (!line.hidden) {
      say('Live again');
      timer = setTimeout(() => say(''), GLAD);
    }
  };
  timer = setTimeout(() => say(WORDS[state]), GRACE);
  return show;
}

function signInLink() {
  const link = document.createElement('a');
  link.href = `${base}/sign-in`;
  link.textContent = 'Sign in again';
  return link;
}
