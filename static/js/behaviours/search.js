import { request } from '../helpers/server.js';

const PAUSE = 150;

/** Search as one types. What was typed while this was under way is answered, too. */
export function wire(field, list) {
  if (field.dataset.filter) wireFilter(field);
  else if (field.form.matches('[data-search]')) wireSearch(field, list);
  if (field.value) field.dispatchEvent(new Event('input'));
}

/** Find people and groups, above the list. */
function wireSearch(field, list) {
  const results = document.querySelector('[data-search-results]');
  const tell = teller(field);
  let timer;
  let asked;
  const show = (html) => {
    results.innerHTML = html; // our own page's fragment
    list.hidden = Boolean(html);
    const { length } = results.querySelectorAll('.conversation-item, .hit');
    tell(length ? `${length} found` : results.textContent);
  };
  const ask = async () => {
    asked?.abort();
    const query = field.value.trim();
    if (!query) return show('');
    asked = new AbortController();
    const { signal } = asked;
    const path = `/conversations?${new URLSearchParams({ q: query, fragment: 1 })}`;
    const answer = await request(path, { signal }).catch(() => null);
    if (signal.aborted) return;
    if (!answer) show('<p class="empty">The server cannot be reached.</p>');
    else if (!answer.redirected) show(await answer.text()); // else to the sign-in: the connection line says so
  };
  field.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !field.value) return;
    field.value = '';
    clearTimeout(timer);
    ask();
  });
}

/** Hide what does not contain every typed word. */
function wireFilter(field) {
  const tell = teller(field);
  const none = document.createElement('p');
  none.className = 'quiet';
  none.textContent = 'None listed here is called that. Enter searches further.';
  field.addEventListener('input', () => {
    const words = fold(field.value).split(/\s+/);
    const items = [...document.querySelectorAll(field.dataset.filter)];
    for (const item of items) {
      const text = fold(item.querySelector('.what, span:last-child').textContent); // not what its buttons say
      item.hidden = !words.every((word) => text.includes(word));
    }
    const shown = items.filter(({ hidden }) => !hidden).length;
    if (shown || !items.length) none.remove();
    else field.closest('.search').after(none);
    tell(shown || !items.length ? `${shown} found` : none.textContent);
  });
  // Enter asks the server, which knows more people than the page shows. Who is ticked comes along.
  field.form.addEventListener('submit', () => {
    if (field.form.method === 'post') return; // they are fields of it
    for (const earlier of field.form.querySelectorAll('[type=hidden]')) earlier.remove();
    for (const { name, value } of document.querySelectorAll('.choice input:checked[type=checkbox]')) {
      field.form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }));
    }
  });
}

/** Without case and accents, as the server compares. */
const fold = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase();

/** How many are left is seen by who sees, and told to who does not. */
function teller(field) {
  const line = document.createElement('p');
  line.className = 'visually-hidden';
  line.role = 'status';
  field.form.append(line);
  return (words) => { line.textContent = words; };
}
