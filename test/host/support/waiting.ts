/** Asks until the answer is neither undefined, null nor false. @throws after `limit` milliseconds, with what was waited for. */
export async function eventually<Answer>(
  what: string,
  ask: () => Answer | undefined | null | false | Promise<Answer | undefined | null | false>,
  limit = 30_000,
): Promise<Answer> {
  const end = Date.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== null && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`waited ${limit / 1000} s in vain for ${what}`);
    await pause(50);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
