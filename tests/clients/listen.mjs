// Listens with npm's `eventsource` and prints each event as a line of JSON: the client of a test.
//   node listen.mjs URL TOKEN [NAME...]     NAMEs are events to hear besides `message`
import { EventSource } from 'eventsource';

const [url, token, ...names] = process.argv.slice(2);
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const source = new EventSource(url, {
  fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } }),
});
source.addEventListener('open', () => print({ type: 'open' }));
source.addEventListener('error', ({ code }) => print({ type: 'error', code: code ?? null, closed: source.readyState === EventSource.CLOSED }));
for (const name of ['message', ...names]) {
  source.addEventListener(name, ({ type, data, lastEventId }) => print({ type, data: JSON.parse(data), lastEventId }));
}
