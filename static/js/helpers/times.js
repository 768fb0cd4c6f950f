const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const long = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const ofThisYear = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const short = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'short' });
const WEEK = 6 * 24 * 3600 * 1000;

/** The reader's own day of a time, as YYYY-MM-DD. */
export function dayOf(time) {
  const date = new Date(time);
  const two = (number) => String(number).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** A day in words: with its weekday this year, with the year in any other. */
export function dayText(day) {
  const noon = new Date(`${day}T12:00`); // safe from every change of the clocks
  return (noon.getFullYear() === new Date().getFullYear() ? ofThisYear : long).format(noon);
}

const forms = {
  time: (date) => clock.format(date),
  day: (date) => long.format(date),
  full: (date) => `${long.format(date)}, ${clock.format(date)}`,
  list(date) {
    if (dayOf(date) === dayOf(Date.now())) return clock.format(date);
    return (Date.now() - date < WEEK ? weekday : short).format(date);
  },
};

/** Write a time where the reader is. @param {HTMLTimeElement} element @param {keyof forms} form */
export function localise(element, form, datetime = element.dateTime) {
  const date = new Date(datetime);
  if (Number.isNaN(date.getTime())) return;
  element.dateTime = datetime;
  element.textContent = forms[form](date);
  if (form !== 'full') element.title = forms.full(date);
}
