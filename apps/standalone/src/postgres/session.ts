import type { PGlite } from "@electric-sql/pglite";
import { FrameReader, query, readText } from "./wire.ts";

/** What the gateway needs of PGlite: bytes in, bytes out, one call at a time. */
export type Engine = Pick<PGlite, "execProtocolRawStream" | "runExclusive" | "isInTransaction">;

/** How one exchange ended: `Z` statuses are I (idle), T (in a transaction), E (in a failed one). */
export interface Outcome {
  /** The last ReadyForQuery's status; undefined while a cycle has not seen its Sync. */
  readonly status: string | undefined;
  readonly failed: boolean;
}

/** The one session that PGlite has. Only its owner may call `exchange` (see gateway.ts). */
export class Session {
  readonly #engine: Engine;
  readonly #onNotification: (channel: string, bytes: Buffer) => void;
  #settings = "";

  constructor(engine: Engine, onNotification: (channel: string, bytes: Buffer) => void) {
    this.#engine = engine;
    this.#onNotification = onNotification;
  }

  get inTransaction(): boolean {
    return this.#engine.isInTransaction();
  }

  /** Sends client messages and passes the answers on, except notifications, which go to their listeners. */
  async exchange(input: Buffer, forward: (bytes: Buffer) => void, withhold?: string): Promise<Outcome> {
    const reader = new FrameReader();
    let status: string | undefined;
    let failed = false;
    await this.#engine.runExclusive(() =>
      this.#engine.execProtocolRawStream(input, {
        onRawData: (data) => {
          // A copy: PGlite reuses the buffer behind `data`.
          reader.push(Buffer.from(data));
          const ready: Buffer[] = [];
          for (let next = reader.next(); next; next = reader.next()) {
            if (next.type === "A") {
              this.#onNotification(readText(next.bytes, 9).text, next.bytes);
              continue;
            }
            if (next.type === "Z") {
              status = String.fromCharCode(next.bytes[5] ?? 0);
            }
            failed ||= next.type === "E";
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
