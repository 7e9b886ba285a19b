/** One page of a list. */
export interface Page<Item> {
  data: Item[];
  next_cursor: string | null;
}

/** All items of a list, fetched page by page as they are asked for. */
export async function* eachItem<Item>(
  fetchPage: (cursor: string | undefined) => Promise<Page<Item>>,
): AsyncGenerator<Item, void, void> {
  let cursor: string | undefined;
  do {
    const page = await fetchPage(cursor);
    yield* page.data;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
