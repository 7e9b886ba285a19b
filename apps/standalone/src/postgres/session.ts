import type { PGlite } from "@electric-sql/pglite";
import { FrameReader, fatalError, query, readText } from "./wire.ts";

/** What the gateway needs of PGlite: bytes in, bytes out, one call at a time. */
export type Engine = Pick<PGlite, "execProtocolRawStream" | "runExclusive" | "isInTransaction">;

/** How one exchange ended: `Z` statuses are I (idle), T (in a transaction), E (in a failed one). */
export interface Outcome {
  /** The last ReadyForQuery's status; undefined while a cycle has not seen its Sync. */
  readonly status: string | undefined;
  readonly failed: boolean;
}

export interface SessionOptions {
  readonly engine: Engine;
  readonly onNotification: (channel: string, bytes: Buffer) => void;
  /**
   * The session is over: an idle-in-transaction timeout after the machine slept, say. PGlite is called from here, would
   * never come back and has to be opened anew: this must end the process.
   */
  readonly onFatal: (message: string) => never;
}

/** The one session that PGlite has. Only its owner may call `exchange` (see gateway.ts). */
export class Session {
  readonly #options: SessionOptions;
  #settings = "";

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get inTransaction(): boolean {
    return this.#options.engine.isInTransaction();
  }

  /** Sends client messages and passes the answers on, except notifications, which go to their listeners. */
  async exchange(input: Buffer, forward: (bytes: Buffer) => void, withhold?: string): Promise<Outcome> {
    const { engine, onNotification, onFatal } = this.#options;
    const reader = new FrameReader();
    let status: string | undefined;
    let failed = false;
    await engine.runExclusive(() =>
      engine.execProtocolRawStream(input, {
        onRawData: (data) => {
          // A copy: PGlite reuses the buffer behind `data`.
          reader.push(Buffer.from(data));
          const ready: Buffer[] = [];
          for (let next = reader.next(); next; next = reader.next()) {
            if (next.type === "A") {
              onNotification(readText(next.bytes, 9).text, next.bytes);
              continue;
            }
            if (next.type === "Z") {
              status = String.fromCharCode(next.bytes[5] ?? 0);
            }
            if (next.type === "E") {
              failed = true;
              const fatal = fatalError(next.bytes);
              if (fatal !== undefined) {
                onFatal(fatal);
              }
            }
            if (next.type !== withhold) {
              ready.push(next.bytes);
            }
          }
          if (ready.length > 0) {
            forward(Buffer.concat(ready));
          }
        },
      }),
    );
    return { status, failed };
  }

  /** Runs SQL for the gateway itself and returns whether it succeeded. */
  async run(sql: string): Promise<boolean> {
    return !(await this.exchange(query(sql), () => undefined)).failed;
  }

  /** Gives the session the settings that a connection asked for at its start, unless it has them already. */
  async adopt(settings: ReadonlyMap<string, string>): Promise<boolean> {
    const sql = [...settings]
      .map(([name, value]) => `SELECT set_config(${literal(name)}, ${literal(value)}, false)`)
      .join(";");
    if (sql === this.#settings) {
      return true;
    }
    const ok = await this.run(`RESET ALL;${sql}`);
    this.#settings = ok ? sql : "unknown";
    return ok;
  }
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
