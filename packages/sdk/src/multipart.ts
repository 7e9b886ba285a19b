/** A Blob in memory comes as one chunk; smaller pieces let its progress be seen. */
const pieceBytes = 65_536;

/** Bytes before and after the file in a `multipart/form-data` body (RFC 7578), fields first. */
export interface MultipartFrame {
  head: Uint8Array<ArrayBuffer>;
  tail: Uint8Array<ArrayBuffer>;
  contentType: string;
}

/** Frames one file part named `file`. The server streams the file, so the fields come before it. */
export function frameMultipart(
  fields: Record<string, string | undefined>,
  file: { name: string; type: string },
): MultipartFrame {
  const boundary = `genq-${crypto.randomUUID()}`;
  let head = "";
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    head += `--${boundary}\r\nContent-Disposition: form-data; name="${quote(name)}"\r\n\r\n${value}\r\n`;
  }
  head += `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${quote(file.name)}"\r\n`;
  head += `Content-Type: ${file.type}\r\n\r\n`;
  const encoder = new TextEncoder();
  return {
    head: encoder.encode(head),
    tail: encoder.encode(`\r\n--${boundary}--\r\n`),
    contentType: `multipart/form-data; boundary=${boundary}`,
  };
}

/** As browsers do (WHATWG "escape a multipart form data name"). */
function quote(name: string): string {
  return name.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
}

/**
 * The framed file as one stream; `onBytes` hears how many bytes of the file were taken from it so far. It ends with
 * the signal: Node's fetch reads an aborted request's body to its end.
 */
export function streamMultipart(
  frame: MultipartFrame,
  file: ReadableStream<Uint8Array>,
  { onBytes, signal }: { onBytes: (sentBytes: number) => void; signal: AbortSignal },
): ReadableStream<Uint8Array> {
  const parts = framedParts(frame, file, onBytes);
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        if (signal.aborted) {
          await parts.return();
          throw signal.reason;
        }
        const { done, value } = await parts.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => {
        await parts.return();
      },
    },
    { highWaterMark: 0 },
  );
}

async function* framedParts(
  frame: MultipartFrame,
  file: ReadableStream<Uint8Array>,
  onBytes: (sentBytes: number) => void,
): AsyncGenerator<Uint8Array, void, void> {
  yield frame.head;
  let sentBytes = 0;
  for await (const chunk of file) {
    for (let start = 0; start < chunk.byteLength; start += pieceBytes) {
      const piece = chunk.subarray(start, start + pieceBytes);
      sentBytes += piece.byteLength;
      yield piece;
      onBytes(sentBytes);
    }
  }
  yield frame.tail;
}
