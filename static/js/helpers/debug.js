let on = 'debug' in document.documentElement.dataset;
try {
  on ||= localStorage.getItem('chat-debug') === '1';
} catch { /* forbidden */ }

/** Tell the life of the stream in the console, where somebody asked for it. */
export function debug(...words) {
  if (on) console.info('chat:', ...words);
}
