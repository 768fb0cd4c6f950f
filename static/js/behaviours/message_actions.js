/** Edit and delete in place. What does it is fetched by the first who wants it. */
export function wireActions(timeline) {
  const follow = (link) => import('./editing.js').then(
    ({ edit, remove }) => (link.matches('.edit') ? edit : remove)(link.closest('.message'), timeline),
    () => navigator.onLine && location.assign(link.href), // its page does the same
  );
  timeline.list.addEventListener('click', (event) => {
    const link = event.target.closest('.actions a');
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    follow(link);
  });
  wireLongPress(timeline.list);
  return {
    editLast() {
      const row = [...timeline.list.querySelectorAll('.mine:not(.failed)')].at(-1);
      if (row?.dataset.messageId) follow(row.querySelector('.edit')); // else it is on its way, and no other is meant
      return Boolean(row);
    },
  };
}

function wireLongPress(list) {
  list.addEventListener('contextmenu', (event) => {
    const row = event.target.closest('.mine');
    if (event.pointerType !== 'touch' || !row || event.target.closest('a')) return;
    event.preventDefault();
    row.classList.add('pressed');
    const release = (next) => {
      if (!row.contains(next.target)) row.classList.remove('pressed');
      else document.addEventListener('pointerdown', release, { once: true });
    };
    document.addEventListener('pointerdown', release, { once: true });
  });
}
