import { Readable } from "node:stream";

export interface Headed {
  /** The first bytes, or all of them when there are fewer. */
  head: Buffer;
  /** Whether `head` is everything. */
  complete: boolean;
  /** All the bytes again, from the first. */
  body: Readable;
}

/** Looks at the first bytes of a stream before the rest of it has come. */
export async function takeHead(stream: Readable, bytes: number): Promise<Headed> {
  const source: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
  const parts: Buffer[] = [];
  let length = 0;
  let complete = false;
  while (length < bytes) {
    const { done, value } = await source.next();
    if (done === true) {
      complete = true;
      break;
    }
    parts.push(value);
    length += value.length;
  }
  const head = Buffer.concat(parts);
  const all = async function* (): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    while (!complete) {
      const { done, value } = await source.next();
      if (done === true) return;
      yield value;
    }
  };
  return { head, complete, body: Readable.from(all(), { objectMode: false, highWaterMark: 64 * 1024 }) };
}
