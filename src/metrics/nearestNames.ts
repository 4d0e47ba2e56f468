/** So many are named. */
const mostNamed = 3;

/**
 * Those of the known names that a mistyped one may stand for, nearest first: at most three. A name that holds the other, or the other way round,
 * counts as near; else no more than a third of the letters may be missing, wrong or too many (the edit distance of Levenshtein, 1966).
 */
export function nearestNames(name: string, known: readonly string[]): readonly string[] {
  const wanted = name.trim().toLowerCase();
  if (wanted === '') return [];
  return known
    .map((each) => ({ each, distance: distanceBetween(wanted, each.toLowerCase()) }))
    .filter(({ each, distance }) => distance <= Math.max(1, Math.floor(wanted.length / 3)) || holds(each.toLowerCase(), wanted))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, mostNamed)
    .map(({ each }) => each);
}

/** Of two or three letters much is a part. */
function holds(a: string, b: string): boolean {
  return Math.min(a.length, b.length) > 3 && (a.includes(b) || b.includes(a));
}

function distanceBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let at = 1; at <= a.length; at += 1) {
    const next = [at];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (a[at - 1] === b[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
