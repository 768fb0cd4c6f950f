/** Count what is unread in the tab's title. @returns {(unread: number) => void} */
export function wireTitle() {
  return (unread) => {
    const title = document.title.replace(/^\(\d+\) /, '');
    document.title = unread ? `(${unread}) ${title}` : title;
  };
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
    region.append(line);
    if (region.children.length > 5) region.firstChild.remove();
  };
}
