import { base, me } from '../helpers/server.js';
import { persistently } from './backoff.js';
import { LockElection } from './election.js';
import { SharedStream } from './shared.js';
import { claim, isMine } from './owner.js';

/** Join the page to the stream: events into the feed, the connection's state into the line. */
export async function connect({ feed, list, open, say }) {
  let fallback = null;
  let state;

  const report = async (next) => {
    if (next === state) return; // the fallback may know better
    say(next);
    state = next;
    if (state === 'live') open?.live();
    if (state !== 'polling') return void fallback?.stop();
    const { Fallback } = await persistently(() => import('./fallback.js'));
    fallback ??= new Fallback(
      {
        catchUp: () => open?.catchUp(),
        refresh: () => { list?.refresh(); feed.emit({ type: 'connected' }); }, // who is online, too
      },
      (works) => state === 'polling' && say(works ? 'polling' : 'reconnecting'),
    );
    if (state === 'polling') fallback.start();
  };

  const Election = navigator.locks ? LockElection
    : (await persistently((tries) => import(`./spoken_election.js?${tries}`))).SpokenElection;
  const stream = new SharedStream({
    Election,
    userId: me,
    cursor: document.body.dataset.cursor,
    report,
    apply: (event) => feed.emit(event),
  });
  feed.on('reset', () => feed.hold(() => persistently(() => Promise.all([list?.reload(), open?.afresh()]))));
  stream.start();
  const rest = () => stream.stop();
  const reload = () => location.reload();
  const wake = () => {
    if (!isMine()) return reload(); // nothing to read for whoever comes next
    stream.start();
    feed.emit({ type: 'connected' });
  };
  window.addEventListener('pagehide', rest);
  window.addEventListener('pageshow', ({ persisted }) => persisted && wake());
  // A frozen tab still answers other tabs, but reads nothing of its stream: it must not go on leading.
  document.addEventListener('freeze', rest);
  document.addEventListener('resume', wake);
  claim({
    signedOutHere: () => location.replace(`${base}/sign-in`),
    signedInAnew: reload,
    somebodyElse: () => { stream.stop(); report('signed-out'); },
  });
}
