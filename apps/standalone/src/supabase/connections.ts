import postgres from "postgres";

/** A connection that is lent to one transaction or query: what kysely's dialect takes of the driver's own. */
export interface Lease {
  unsafe(text: string, values?: unknown[]): Promise<postgres.RowList<postgres.Row[]>>;
  release(): void;
}

/**
 * Does what the driver's `reserve` does, and outlives the server. The driver's own (postgres 3.4.9, its issue 1208)
 * writes what a transaction still asks for to a connection that has ended, and lends such a one again: both end the
 * process. Here each connection is a driver of its own, which is let go once its connection has ended.
 */
export function openConnections(driver: postgres.Sql, max: number): () => Promise<Lease> {
  const idle: Connection[] = [];
  const waiting: (() => void)[] = [];
  let lent = 0;
  return async () => {
    if (lent < max) lent++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    let connection = idle.pop();
    while (connection?.ended) connection = idle.pop();
    const own = connection ?? new Connection(driver);
    return {
      unsafe: (text, values) => own.ask(text, values),
      release: () => {
        if (!own.ended) idle.push(own);
        const next = waiting.shift();
        if (next) next();
        else lent--;
      },
    };
  };
}

class Connection {
  ended = false;
  readonly #sql: postgres.Sql;
  #last: Promise<unknown> = Promise.resolve();
  #refuse: (reason: Error) => void = () => undefined;

  constructor(driver: postgres.Sql) {
    // As the driver itself does for `listen`, whose types do not know that what it parsed may be given again.
    const parsed: object = driver.options;
    this.#sql = postgres({
      ...parsed,
      max: 1,
      // The first connection of the driver asked for array types. Nobody hears when that fails: it ends the process.
      fetch_types: false,
      onclose: () => {
        this.ended = true;
        this.#refuse(closed());
      },
    });
  }

  /** One after the other: what still waits must not go to a new connection, outside of its transaction. */
  ask(text: string, values?: unknown[]): Promise<postgres.RowList<postgres.Row[]>> {
    const answer = this.#last.then(() => this.#ask(text, values));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  #ask(text: string, values?: unknown[]): Promise<postgres.RowList<postgres.Row[]>> {
    if (this.ended) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      // The driver may leave a query unanswered that is asked between a connection's error and its end.
      this.#refuse = reject;
      this.#sql.unsafe(text, values as postgres.ParameterOrJSON<never>[]).then(resolve, reject);
    });
  }
}

function closed(): Error {
  return Object.assign(new Error("The connection to Postgres has ended."), { code: "CONNECTION_CLOSED" });
}
