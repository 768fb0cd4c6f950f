/** Count what is unread in the tab's title. @returns {(unread: number) => void} */
export function wireTitle() {
  const title = document.title;
  return (unread) => { document.title = unread ? `(${unread}) ${title}` : title; };
}
