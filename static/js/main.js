import { wireConnectionLine } from './behaviours/connection_line.js';
import { wireConversation } from './behaviours/conversation.js';
import { conversationOf } from './helpers/conversation.js';
import { Feed } from './helpers/feed.js';
import { me } from './helpers/server.js';
import { keep, own } from './helpers/storage.js';
import { localise } from './helpers/times.js';
import { ConversationList } from './models/conversation_list.js';
import { Outbox } from './models/outbox.js';
import { persistently } from './realtime/backoff.js';
import { connect } from './realtime/connect.js';

const feed = new Feed();
const section = document.querySelector('section.conversation');
const nav = document.querySelector('[data-conversation-list]');

for (const time of document.querySelectorAll('time[data-local], .page .message time')) {
  localise(time, time.dataset.local || 'full');
}

// Few who open a page search on it: what does that is fetched by the first touch of a field.
for (const field of document.querySelectorAll('input[type=search]')) {
  const fetchSearch = async () => (await persistently(() => import('./behaviours/search.js'))).wire(field, nav);
  field.addEventListener('focus', fetchSearch, { once: true });
}

const fetchSignOut = () => persistently(() => import('./behaviours/sign_out.js'));
document.querySelector('[data-sign-out]')?.addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target;
  form.inert = true; // once is enough
  const { signOut } = await fetchSignOut();
  form.inert = false;
  signOut(form);
});

const fetchVoice = () => persistently(() => import('./behaviours/announcing.js'));
let open = null;
const isRead = (id) => Boolean(open?.reading(id));
const list = nav && new ConversationList(nav, isRead, () => {
  open?.rename(list.item(section.dataset.conversationId)?.querySelector('.name').textContent);
  showTitle(list.unread());
});
if (section) {
  const unread = list?.item(section.dataset.conversationId)?.querySelector('.unread-count').textContent;
  open = wireConversation(section, feed, { unread, announce: async (words) => (await fetchVoice()).announce(words) });
} else if (me) new Outbox().flush(); // what was left behind in a conversation
if (list) wireList();
const members = document.querySelector('[data-members]');
if (members) {
  const { wireMembers } = await persistently(() => import('./behaviours/members.js'));
  wireMembers(members, section.dataset.conversationId, feed);
}
if (me && document.body.dataset.cursor) {
  connect({ feed, list, open, say: wireConnectionLine(document.querySelector('[data-connection]')) });
}

// Who is online is drawn already: what keeps it true comes once there is something to read. So does the rest.
setTimeout(async () => {
  (await persistently(() => import('./behaviours/presence.js'))).wirePresence(feed);
  if (nav) (await persistently(() => import('./behaviours/leftovers.js'))).wireLeftovers(nav);
  fetchSignOut(); // it must ask, and forget, without the network too
  if (open) fetchVoice(); // a region that comes with its words is not heard
}, 1000);

/** Count what is unread in the tab's title. */
function showTitle(unread) {
  const title = document.title.replace(/^\(\d+\) /, '');
  document.title = unread ? `(${unread}) ${title}` : title;
}

function wireList() {
  showTitle(list.unread());
  const on = (type, change) => feed.on(type, (event) => list.heard(event, change));
  on('message:created', (message) => list.arrived(message));
  on('message:updated', (message) => list.edited(message));
  on('message:deleted', ({ id }) => {
    keep(own(`draft:${id}`), null);
    list.refresh();
  });
  on('user:updated', () => list.refresh());
  on('read', (event) => list.count(conversationOf(event), event.unreadCount)); // one's own alone
  on('conversation:joined', ({ conversation }) => list.joined(conversation));
  on('conversation:left', ({ conversationId }) => list.left(conversationId));
  on('conversation:updated', ({ conversation }) => list.rename(conversation));
}
