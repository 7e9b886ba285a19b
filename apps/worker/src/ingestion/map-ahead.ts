/**
 * Maps a stream in order with up to `ahead` items in work at once, so that the next are made while one is consumed.
 * The first failure ends it, after the source has been closed.
 */
export async function* mapAhead<Item, Result>(
  source: AsyncIterable<Item>,
  ahead: number,
  map: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const working: Promise<Result>[] = [];
  for await (const item of source) {
    const result = map(item);
    // It is awaited in its turn; until then its failure is nobody's.
    result.catch(() => undefined);
    working.push(result);
    const next = working.length > ahead ? working.shift() : undefined;
    if (next !== undefined) yield await next;
  }
  for (const result of working) yield await result;
}
