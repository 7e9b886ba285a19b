import type { Socket } from "node:net";
import { closeStatement, type Frame, FrameReader, frame, maxStartupBytes, readText } from "./wire.ts";

/** SQL that changes which notifications the session gets. */
const listenPattern = /^\s*(un)?listen\s+(?:"([^"]+)"|([\w$]+)|(\*))/i;
const leadingComments = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/;

/**
 * PGlite ends its whole process when COPY wants data that is not there yet, so such a COPY is held back until its data
 * is complete; the client is told at once that it may send (text format, no columns: drivers only want the word).
 */
const copyInPattern = /^\s*copy\b[\s\S]*\bfrom\s+stdin\b/i;
const copyInResponse = frame("G", Buffer.from([0, 0, 0]));

/** Messages after which the client waits for an answer. */
const turnTypes = new Set(["S", "Q", "H", "F", "c", "f"]);

/**
 * One client. Its messages are kept until the session is its own, and rewritten so that connections that share the
 * session do not see each other: prepared statements get names of their own, and UNLISTEN leaves others' channels alone.
 */
export class Connection {
  readonly socket: Socket;
  readonly reader = new FrameReader();
  /** Settings that the client asked for at its start (search_path, TimeZone, …). */
  settings: ReadonlyMap<string, string> = new Map();
  application = "";
  /** When the client last sent anything, in ms of `performance.now()`. */
  heardAt = performance.now();
  readonly channels = new Set<string>();
  phase: "startup" | "password" | "ready" = "startup";
  closed = false;
  readonly #prefix: string;
  readonly #statements = new Set<string>();
  /** Prepared statements (by name) that want COPY data when they run. */
  readonly #copyStatements = new Set<string>();
  #partial: Buffer[] = [];
  #turn: Buffer[] = [];
  #heldBytes = 0;
  #copy: "none" | "announced" | "receiving" | "complete" = "none";

  constructor(id: number, socket: Socket) {
    this.socket = socket;
    this.#prefix = `c${id}.`;
    this.reader.maxBytes = maxStartupBytes;
  }

  /** Bytes of messages that the session has not taken yet. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether the client has sent something that it expects an answer to. */
  get waiting(): boolean {
    return this.#turn.length > 0;
  }

  accept(message: Frame): void {
    const { type } = message;
    if (this.#copy === "receiving") {
      // Sync and Flush mean nothing inside a COPY.
      if (type === "S" || type === "H") {
        return;
      }
      this.#copy = type === "c" || type === "f" ? "complete" : "receiving";
    }
    const own = this.#rewrite(message);
    this.#heldBytes += own.length;
    if (this.#copy === "announced" && (type === "Q" || type === "S" || type === "H")) {
      this.#copy = "receiving";
      this.#partial.push(...(type === "Q" ? [own] : []));
      this.send(copyInResponse);
      return;
    }
    this.#partial.push(own);
    if (turnTypes.has(type)) {
      this.#turn.push(...this.#partial);
      this.#partial = [];
    }
  }

  /** Takes all messages up to the last one that wants an answer, and which answers the client has had already. */
  takeTurn(): { input: Buffer; withhold: string | undefined } {
    const input = Buffer.concat(this.#turn);
    const withhold = this.#copy === "complete" ? "G" : undefined;
    this.#turn = [];
    this.#heldBytes -= input.length;
    this.#copy = this.#copy === "complete" ? "none" : this.#copy;
    return { input, withhold };
  }

  /** Messages that free what the connection leaves behind in the session. */
  farewell(): Buffer {
    return Buffer.concat([...this.#statements].map(closeStatement));
  }

  send(bytes: Buffer): void {
    if (!this.closed && this.socket.writable) {
      this.socket.write(bytes);
    }
  }

  #rewrite({ type, bytes }: Frame): Buffer {
    switch (type) {
      case "Q": {
        const { text } = readText(bytes, 5);
        if (wantsCopyData(text)) {
          this.#copy = "announced";
          return bytes;
        }
        const sql = this.#inspect(text);
        return sql === undefined ? bytes : frame("Q", `${sql}\0`);
      }
      case "P": {
        const name = readText(bytes, 5);
        const text = readText(bytes, name.end);
        const sql = this.#inspect(text.text) ?? text.text;
        const own = this.#own(name.text);
        if (own) {
          this.#statements.add(own);
        }
        if (wantsCopyData(text.text)) {
          this.#copyStatements.add(own);
        } else {
          this.#copyStatements.delete(own);
        }
        return frame("P", `${own}\0${sql}\0`, bytes.subarray(text.end));
      }
      case "B": {
        const portal = readText(bytes, 5);
        const name = readText(bytes, portal.end);
        const own = this.#own(name.text);
        if (this.#copyStatements.has(own)) {
          this.#copy = "announced";
        }
        return frame("B", `${portal.text}\0${own}\0`, bytes.subarray(name.end));
      }
      case "D":
      case "C": {
        if (bytes[5] !== 0x53) {
          return bytes;
        }
        const own = this.#own(readText(bytes, 6).text);
        if (type === "C") {
          this.#statements.delete(own);
          this.#copyStatements.delete(own);
        }
        return frame(type, `S${own}\0`);
      }
      default:
        return bytes;
    }
  }

  #own(name: string): string {
    return name === "" ? "" : `${this.#prefix}${name}`;
  }

  /** Notes LISTEN and UNLISTEN; gives back other SQL when the session must not run what the client wrote. */
  #inspect(sql: string): string | undefined {
    const match = listenPattern.exec(beginning(sql));
    if (!match) {
      return undefined;
    }
    const channel = match[2] ?? match[3]?.toLowerCase() ?? "*";
    if (match[1] === undefined) {
      this.channels.add(channel);
      return undefined;
    }
    if (channel === "*") {
      this.channels.clear();
    } else {
      this.channels.delete(channel);
    }
    return "UNLISTEN nobody_listens_here";
  }
}

function wantsCopyData(sql: string): boolean {
  return copyInPattern.test(beginning(sql));
}

function beginning(sql: string): string {
  return sql.slice(0, 2000).replace(leadingComments, "");
}
