import { dayOf, dayText } from './times.js';

const BLOCK = 5 * 60 * 1000;

/** Set what a row owes to the one before it: its day's divider, and whether it continues a block. */
export function decorate(row) {
  const { before, dividers, unread } = lookBack(row);
  const day = dayOf(row.dataset.createdAt);
  const newDay = !before || dayOf(before.dataset.createdAt) !== day;
  const kept = newDay ? dividers.pop() ?? newDivider(unread ?? row) : null;
  for (const divider of dividers) divider.remove();
  if (kept) showDay(kept.firstElementChild, day);
  row.classList.toggle('continued', !newDay && !unread && continues(before.dataset, row.dataset));
}

function lookBack(row) {
  const dividers = [];
  let unread = null;
  let before = row.previousElementSibling;
  for (; before && !before.matches('.message'); before = before.previousElementSibling) {
    if (before.matches('.day')) dividers.push(before);
    else unread = before;
  }
  return { before, dividers, unread };
}

function newDivider(next) {
  const divider = document.createElement('li');
  divider.className = 'day';
  divider.append(document.createElement('time'));
  next.before(divider);
  return divider;
}

function showDay(time, day) {
  if (time.dateTime === day && time.title) return;
  time.dateTime = day;
  time.textContent = time.title = dayText(day);
}

const continues = (a, b) =>
  a.authorId === b.authorId && new Date(b.createdAt) - new Date(a.createdAt) < BLOCK;
