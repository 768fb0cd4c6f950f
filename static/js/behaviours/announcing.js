const TOGETHER = 500; // what comes within this is said in one go
const MOST = 5;
const region = document.body.appendChild(document.createElement('div'));
region.className = 'visually-hidden';
region.ariaLive = 'polite';
let waiting = [];

/** One polite voice for a screen reader: a message that arrives is said once, and of a crowd how many they are. */
export function announce(words) {
  if (!waiting.length) setTimeout(say, TOGETHER);
  waiting.push(words.slice(0, 300));
}

function say() {
  const lines = waiting.length > MOST ? [`${waiting.length} new messages`] : waiting;
  waiting = [];
  for (const words of lines) {
    const line = document.createElement('p');
    line.textContent = words;
    region.append(line);
  }
  while (region.children.length > MOST) region.firstChild.remove();
}
