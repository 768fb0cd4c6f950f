/** Whether `a` lies after `b`. History of another epoch cannot be compared, so it counts as news. */
export function isAfter(a, b) {
  const [epoch, position] = split(a);
  const [otherEpoch, otherPosition] = split(b);
  return epoch !== otherEpoch || position > otherPosition;
}

function split(cursor) {
  const dash = cursor.lastIndexOf('-');
  return [cursor.slice(0, dash), Number(cursor.slice(dash + 1))];
}
