/** The few pieces of Postgres' wire protocol (version 3) that the gateway has to understand. */

/** A typed message: one byte of type, then a length that counts itself, then the body. */
export interface Frame {
  readonly type: string;
  readonly bytes: Buffer;
}

/** As Postgres bounds what somebody may send before the password. */
export const maxStartupBytes = 10_000;
/** Far above what genq sends, and below what PGlite's memory can take. */
export const maxMessageBytes = 256 * 1024 * 1024;

/** Collects socket data and cuts it into messages, without copying a long message more than once. */
export class FrameReader {
  /** A longer message counts as malformed. */
  maxBytes = Number.POSITIVE_INFINITY;
  #chunks: Buffer[] = [];
  #size = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /**
   * The next message that has fully arrived. Start-up messages have no type byte: pass `true` for them.
   * @throws Error when it is malformed or too long
   */
  next(untyped = false): Frame | undefined {
    const header = untyped ? 4 : 5;
    if (this.#size < header) {
      return undefined;
    }
    const head = this.#peek(header);
    const length = head.readInt32BE(header - 4) + header - 4;
    if (length < header || length > this.maxBytes) {
      throw new Error("malformed message");
    }
    if (this.#size < length) {
      return undefined;
    }
    const bytes = this.#take(length);
    return { type: untyped ? "" : String.fromCharCode(bytes[0] ?? 0), bytes };
  }

  #peek(length: number): Buffer {
    const [first] = this.#chunks;
    if (first && first.length >= length) {
      return first;
    }
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  #take(length: number): Buffer {
    const all = this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#chunks = length < all.length ? [all.subarray(length)] : [];
    this.#size = all.length - length;
    return all.subarray(0, length);
  }
}

/** Builds one message. An empty `type` makes an untyped one. */
export function frame(type: string, ...parts: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type, "latin1"), length, body]);
}

/** A zero-terminated string at `offset` and the offset behind it. */
export function readText(bytes: Buffer, offset: number): { text: string; end: number } {
  const end = bytes.indexOf(0, offset);
  if (end < 0) {
    throw new Error("malformed message");
  }
  return { text: bytes.toString("utf8", offset, end), end: end + 1 };
}

/** An ErrorResponse as Postgres would send it. */
export function errorResponse(severity: "ERROR" | "FATAL", code: string, message: string): Buffer {
  return frame("E", `S${severity}\0V${severity}\0C${code}\0M${message}\0\0`);
}

/** What an ErrorResponse says that ends the session (FATAL or PANIC); undefined for any other one. */
export function fatalError(bytes: Buffer): string | undefined {
  const fields = bytes.toString("utf8", 5).split("\0");
  const field = (type: string) => fields.find((one) => one.startsWith(type))?.slice(1);
  const severity = field("V");
  return severity === "FATAL" || severity === "PANIC"
    ? `${severity} ${field("C")}: ${field("M")}`
    : undefined;
}

export const sync = frame("S");

/** A simple query. */
export function query(sql: string): Buffer {
  return frame("Q", `${sql}\0`);
}

/** Closes a prepared statement. */
export function closeStatement(name: string): Buffer {
  return frame("C", `S${name}\0`);
}

/**
 * The parameters of a start-up message, with those inside `options` (`-c name=value`) taken out of it.
 * Names are lower case, as Postgres compares settings.
 */
export function startupParameters(bytes: Buffer): Map<string, string> {
  const parameters = new Map<string, string>();
  let offset = 8;
  while (offset < bytes.length && bytes[offset] !== 0) {
    const name = readText(bytes, offset);
    const value = readText(bytes, name.end);
    offset = value.end;
    parameters.set(name.text.toLowerCase(), value.text);
  }
  const options = parameters.get("options");
  parameters.delete("options");
  for (const [name, value] of options === undefined ? [] : optionSettings(options)) {
    parameters.set(name, value);
  }
  return parameters;
}

/** `-c name=value --name=value`, where a backslash keeps the next character (a blank, mostly). */
function optionSettings(options: string): [string, string][] {
  const words = options.match(/(?:\\.|[^\s\\])+/g)?.map((word) => word.replaceAll(/\\(.)/g, "$1")) ?? [];
  const settings: [string, string][] = [];
  for (const [index, word] of words.entries()) {
    const assignment = word.startsWith("--")
      ? word.slice(2)
      : word === "-c"
        ? words[index + 1]
        : word.startsWith("-c")
          ? word.slice(2)
          : undefined;
    const split = assignment?.indexOf("=") ?? -1;
    if (assignment !== undefined && split > 0) {
      settings.push([
        assignment.slice(0, split).toLowerCase().replaceAll("-", "_"),
        assignment.slice(split + 1),
      ]);
    }
  }
  return settings;
}
