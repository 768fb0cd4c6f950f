/** Count what is unread in the tab's title. @returns {(unread: number) => void} */
export function wireTitle() {
  const title = document.title;
  return (unread) => { document.title = unread ? `(${unread}) ${title}` : title; };
}

/** One polite voice for a screen reader: a message that arrives is said once. */
export function wireAnnouncer() {
  const region = document.createElement('div');
  region.className = 'visually-hidden';
  region.ariaLive = 'polite';
  document.body.append(region);
  return (words) => {
    const line = document.createElement('p');
    line.textContent = words.slice(0, 300);
    region.replaceChildren(...[...region.children].slice(-4), line);
  };
}
