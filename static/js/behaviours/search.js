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
    if (answer && !signal.aborted) show(await answer.text());
  };
  field.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !field.value) return;
    field.value = '';
    show('');
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
  field.addEventListener('keydown', (event) => event.key === 'Enter' && event.preventDefault());
}
