/** What a ZIP says of itself in its central directory, read without inflating anything. */
export interface ZipDirectory {
  names: string[];
  inflatedBytes: number;
  largestRatio: number;
}

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const endBytes = 22;
const entryBytes = 46;

/** Reads a whole ZIP's central directory; undefined when there is none, or it lies about its own size. */
export function readZipDirectory(bytes: Uint8Array): ZipDirectory | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  if (end === undefined) return undefined;
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const names: string[] = [];
  let inflatedBytes = 0;
  let largestRatio = 0;
  for (let index = 0; index < count; index++) {
    if (at + entryBytes > end || view.getUint32(at, true) !== entrySignature) return undefined;
    const deflated = view.getUint32(at + 20, true);
    const inflated = view.getUint32(at + 24, true);
    const nameLength = view.getUint16(at + 28, true);
    names.push(new TextDecoder().decode(bytes.subarray(at + entryBytes, at + entryBytes + nameLength)));
    inflatedBytes += inflated;
    if (inflated > 1_000_000) largestRatio = Math.max(largestRatio, inflated / Math.max(1, deflated));
    at += entryBytes + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return { names, inflatedBytes, largestRatio };
}

/** Names of the entries whose local headers lie within a ZIP's first bytes. */
export function readZipHeadNames(head: Uint8Array): string[] {
  const names: string[] = [];
  const buffer = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  for (let at = buffer.indexOf("PK\x03\x04"); at >= 0; at = buffer.indexOf("PK\x03\x04", at + 4)) {
    if (at + 30 > buffer.length) break;
    const name = buffer.subarray(at + 30, at + 30 + buffer.readUInt16LE(at + 26)).toString("utf8");
    names.push(name);
  }
  return names;
}

function findEnd(view: DataView): number | undefined {
  const first = Math.max(0, view.byteLength - endBytes - 0xffff);
  for (let at = view.byteLength - endBytes; at >= first; at--) {
    if (view.getUint32(at, true) === endSignature) return at;
  }
  return undefined;
}
