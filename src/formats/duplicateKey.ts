/**
 * A key that occurs twice at the top level of a valid JSON object, or null. `JSON.parse` silently keeps the last one,
 * which would let two readers see two different files.
 */
export function duplicateKey(json: string): string | null {
  const seen = new Set<string>();
  let depth = 0;
  let expectKey = false;
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === '"') {
      const end = endOfString(json, i);
      if (expectKey && depth === 1) {
        const key = JSON.parse(json.slice(i, end + 1)) as string;
        if (seen.has(key)) {
          return key;
        }
        seen.add(key);
      }
      expectKey = false;
      i = end;
    } else if (character === '{' || character === '[') {
      depth++;
      expectKey = character === '{';
    } else if (character === '}' || character === ']') {
      depth--;
    } else if (character === ',') {
      expectKey = depth === 1;
    }
  }
  return null;
}

function endOfString(json: string, start: number): number {
  let i = start + 1;
  while (json[i] !== '"') {
    i += json[i] === '\\' ? 2 : 1;
  }
  return i;
}
