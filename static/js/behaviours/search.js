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
  let timer;
  let asked;
  const show = (html) => {
    results.innerHTML = html; // our own page's fragment
    list.hidden = Boolean(html);
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
  field.addEventListener('input', () => {
    const words = field.value.toLocaleLowerCase().split(/\s+/);
    for (const item of document.querySelectorAll(field.dataset.filter)) {
      const text = item.textContent.toLocaleLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
    }
  });
  // Enter asks the server, which knows more people than the page shows. Who is ticked comes along.
  field.form.addEventListener('submit', () => {
    for (const earlier of field.form.querySelectorAll('[type=hidden]')) earlier.remove();
    for (const { name, value } of document.querySelectorAll('.choice input:checked[type=checkbox]')) {
      field.form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }));
    }
  });
}
