import { type Database, openDatabase, type Sql } from "@genq/core/db";
import { expect, it } from "vitest";
import { ClaimLostError } from "./claim-lost.ts";
import { inClaim } from "./in-claim.ts";

const holder = { userId: "0192", claim: { taskId: "0193", attempt: 1 } };

/** A database that fails with these errors first, and then holds the claim or does not. */
function database(failures: string[], held: boolean): Database {
  const query = () => Promise.resolve(held ? [{}] : []);
  const begin = (work: (sql: unknown) => Promise<unknown>) => {
    const code = failures.shift();
    if (code !== undefined) return Promise.reject(Object.assign(new Error("away"), { code }));
    return work(query);
  };
  // Of the driver, a transaction needs `begin` only.
  const unopened = openDatabase({ url: "postgres://nowhere", role: "genq_worker", max: 1, prepare: true });
  return { ...unopened, sql: { begin } as unknown as Sql };
}

it("waits for a database that is away or in conflict, and writes then", async () => {
  const { signal } = new AbortController();
  const write = inClaim(database(["ECONNREFUSED", "40P01"], true), holder, signal, () =>
    Promise.resolve("done"),
  );
  expect(await write).toBe("done");
});

it("waits no longer than the run lasts", async () => {
  const away = database(Array<string>(100).fill("ECONNREFUSED"), true);
  const write = inClaim(away, holder, AbortSignal.timeout(200), () => Promise.resolve());
  await expect(write).rejects.toMatchObject({ code: "database_unavailable" });
});

it("repeats neither a query that is wrong nor a write under a lost claim", async () => {
  const { signal } = new AbortController();
  let writes = 0;
  const work = () => Promise.resolve(writes++);
  await expect(inClaim(database(["42P01"], true), holder, signal, work)).rejects.toMatchObject({
    code: "42P01",
  });
  await expect(inClaim(database([], false), holder, signal, work)).rejects.toThrow(ClaimLostError);
  expect(writes).toBe(0);
});
