import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import { type ClaimOptions, claimNext } from "./claim-next.ts";
import { releaseTask } from "./claims.ts";
import { closeDatabase, inServiceTransaction, inUserTransaction, openDatabase } from "./database.ts";
import { insertTasks } from "./submissions.ts";
import { insertTask } from "./tasks.ts";

const stack = await openTestStack();
const open = (role: "genq_api" | "genq_worker", max: number) =>
  openDatabase({ url: stack.databaseUrl, role, max, prepare: true });
const api = open("genq_api", 20);
const worker = open("genq_worker", 8);
afterAll(() => Promise.all([closeDatabase(api), closeDatabase(worker)]));
beforeEach(() => worker.sql`delete from genq.tasks`);

const users = (count: number) => Promise.all(Array.from({ length: count }, () => stack.createUser()));
async function submit(userId: string): Promise<string> {
  const id = randomUUID();
  const payload = { texts: ["a"], kind: "query" };
  await inUserTransaction(api, userId, (sql) =>
    insertTask(sql, { id, userId, kind: "embed", payload, fileId: null }),
  );
  return id;
}
const submitMany = async (userId: string, count: number) => {
  for (let made = 0; made < count; made++) await submit(userId);
};
const claim = async (options: Partial<ClaimOptions> = {}) =>
  (await claimNext(worker, "embed", { limit: 1, leaseMs: 60_000, runningPerUser: 1000, ...options })).tasks;
const complete = (id: string) => worker.sql`update genq.tasks set status = 'completed' where id = ${id}`;
const running = async () =>
  (await worker.sql<{ user_id: string }[]>`select user_id from genq.tasks where status = 'processing'`).map(
    (row) => row.user_id,
  );

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("with N users waiting", () => {
  // With the first one, a user was the first of one round and the last of the next, when ties were broken by age.
  it.each([1598210910, Math.floor(Math.random() * 2 ** 31)])(
    "each gets its turn within N claims, whatever the backlogs (seed %i)",
    async (seed) => {
      const random = randomOf(seed);
      const someone = await users(6);
      /** What waits of each user, and to whom claims went since its last turn. */
      const waiting = new Map<string, { tasks: number; passedBy: string[] }>();
      const runs: string[] = [];
      const arrive = async (userId: string, tasks: number) => {
        await submitMany(userId, tasks);
        const known = waiting.get(userId);
        waiting.set(userId, { tasks: (known?.tasks ?? 0) + tasks, passedBy: known?.passedBy ?? [] });
      };
      for (const userId of someone.slice(0, 4)) await arrive(userId, 1 + Math.floor(random() ** 3 * 30));
      for (let left = 60; left > 0 && waiting.size > 0; left--) {
        if (random() < 0.1)
          await arrive(someone[Math.floor(random() * 6)] ?? "", 1 + Math.floor(random() ** 2 * 6));
        const [task] = await claim();
        if (task === undefined) throw new Error("Nothing to claim, and there is.");
        for (const [userId, line] of waiting) {
          line.passedBy = userId === task.userId ? [] : [...line.passedBy, task.userId];
          expect(line.passedBy, `nobody goes twice before ${userId}`).toEqual([...new Set(line.passedBy)]);
        }
        const line = waiting.get(task.userId);
        if (line !== undefined && --line.tasks === 0) waiting.delete(task.userId);
        runs.push(task.id);
        // Up to five run at a time, and end in any order.
        while (runs.length > random() * 6)
          await complete(runs.splice(Math.floor(random() * runs.length), 1)[0] ?? "");
      }
    },
  );

  it("each gets one task in each round, in one order, though others submit again as soon as they are served", async () => {
    const [first = "", second = "", third = ""] = await users(3);
    for (const userId of [first, second, third]) await submit(userId);
    await submitMany(second, 3);
    const served: (string | undefined)[] = [];
    for (let claims = 0; claims < 12; claims++) {
      const [task] = await claim();
      served.push(task?.userId);
      await complete(task?.id ?? "");
      if (task !== undefined && task.userId !== second) await submit(task.userId);
    }
    const round = [first, second, third];
    expect(served).toEqual([...round, ...round, ...round, ...round]);
  });

  it("a small user is next, though another has just sent fifty at once", async () => {
    const [large = "", small = ""] = await users(2);
    await Promise.all(Array.from({ length: 50 }, () => submit(large)));
    const turns = await worker.sql<{ turn: string }[]>`select distinct turn from genq.tasks`;
    expect(turns).toHaveLength(50);
    await submit(small);
    const [first, second] = [(await claim())[0], (await claim())[0]];
    expect([first?.userId, second?.userId]).toEqual([large, small]);
  });

  it("a task that failed in passing goes to the end of its user's line, and one given back keeps its turn", async () => {
    const [user = "", other = ""] = await users(2);
    const [one, two] = [await submit(user), await submit(user)];
    const giveBack = async (counted: boolean) => {
      const [task] = await claim();
      const claimed = { taskId: task?.id ?? "", attempt: task?.attempt ?? 0 };
      await inServiceTransaction(worker, (sql) => releaseTask(sql, claimed, { delayMs: 0, counted }));
      return task?.id;
    };
    expect(await giveBack(false)).toBe(one);
    expect(await giveBack(true)).toBe(one);
    const third = await submit(other);
    const next = [await claim(), await claim(), await claim()].flat().map((task) => task.id);
    expect(next).toEqual([two, third, one]);
  });
});

describe("beside a backlog", () => {
  const read = async () => {
    const [row] = await one.sql<{ rows: number }[]>`
      select (select seq_tup_read from pg_stat_user_tables where schemaname = 'genq' and relname = 'tasks')
        + (select sum(idx_tup_read) from pg_stat_user_indexes where schemaname = 'genq' and relname = 'tasks') as rows,
        pg_stat_clear_snapshot(), pg_stat_force_next_flush()`;
    return Number(row?.rows);
  };
  const one = open("genq_worker", 1);
  // Each test takes its own statistics: the server's, taken at any time, would make other plans.
  beforeAll(() => one.sql`alter table genq.tasks set (autovacuum_enabled = false)`);
  afterAll(() => closeDatabase(one));

  it("a submit and a claim read few rows, though statistics were taken while nothing waited", async () => {
    const [large = "", small = ""] = await users(2);
    const put = (status: string, tasks: number) => one.sql`
      insert into genq.tasks (id, user_id, kind, queue, status, payload, expires_at, turn)
      select gen_random_uuid(), ${large}, 'embed', 'embed', ${status}, '{"texts": ["a"], "kind": "query"}', now() + interval '1 day', n
      from generate_series(1, ${tasks}) n`;
    await put("completed", 1000);
    await one.sql`vacuum analyze genq.tasks`;
    await put("queued", 2000);
    await read();
    const before = await read();
    const id = randomUUID();
    await inServiceTransaction(one, async (sql) => {
      await sql`select set_config('role', 'none', true)`;
      await insertTasks(sql, [
        {
          id,
          userId: small,
          kind: "embed",
          payload: { texts: ["a"], kind: "query" },
          idempotency: undefined,
        },
      ]);
    });
    await claimNext(one, "embed", { limit: 2, leaseMs: 60_000, runningPerUser: 1000 });
    await read();
    expect((await read()) - before).toBeLessThan(200);
  });

  /** Many of one user in one queue, a few of another user in another. The triggers would take seconds for so many. */
  const putBacklog = async (
    takeStatistics: (put: (tasks: number) => Promise<unknown>) => Promise<unknown>,
  ) => {
    const [large = "", small = ""] = await users(2);
    const put = (userId: string, kind: "embed" | "generate", tasks: number) => one.sql`
      insert into genq.tasks (id, user_id, kind, queue, status, payload, expires_at, turn)
      select gen_random_uuid(), ${userId}, ${kind}, ${kind}, 'queued', '{"text": "a"}', now() + interval '1 day', n
      from generate_series(1, ${tasks}::integer) n`;
    await one.sql`alter table genq.tasks disable trigger user`;
    await takeStatistics((tasks) => put(large, "embed", tasks));
    await put(large, "embed", 20_000);
    await put(small, "generate", 3);
    await one.sql`alter table genq.tasks enable trigger user`;
  };
  const claimOne = () => claimNext(one, "generate", { limit: 1, leaseMs: 60_000, runningPerUser: 1 });

  it("a claim reads few rows, though statistics were taken when all there was had been deleted", async () => {
    await putBacklog(async (put) => {
      await put(3000);
      await one.sql`delete from genq.tasks`;
      await one.sql`analyze genq.tasks`;
    });
    await read();
    const before = await read();
    expect((await claimOne()).tasks).toHaveLength(1);
    await read();
    expect((await read()) - before).toBeLessThan(5000);
  });

  it("a claim past a user who has enough running reads few rows of what waits in another queue", async () => {
    await putBacklog(() => one.sql`vacuum genq.tasks`);
    expect((await claimOne()).tasks).toHaveLength(1);
    await read();
    const before = await read();
    expect((await claimOne()).tasks).toEqual([]);
    await read();
    expect((await read()) - before).toBeLessThan(5000);
  });
});

describe("the bound of running tasks of one user", () => {
  it("leaves what is beyond it, also far ahead in turns, and takes it when one ends", async () => {
    const [busy = "", other = ""] = await users(2);
    await submitMany(busy, 8);
    await submitMany(other, 3);
    await worker.sql`update genq.tasks set turn = turn - 100 where user_id = ${busy}`;
    const first = await claim({ limit: 6, runningPerUser: 2 });
    expect(first.map((task) => task.userId).sort()).toEqual([busy, busy, other, other].sort());
    expect(await claim({ limit: 6, runningPerUser: 2 })).toEqual([]);
    await complete(first.find((task) => task.userId === busy)?.id ?? "");
    expect((await claim({ limit: 6, runningPerUser: 2 })).map((task) => task.userId)).toEqual([busy]);
  });

  it("holds for workers that claim at the same time", async () => {
    const [one = "", two = ""] = await users(2);
    for (let made = 0; made < 12; made++) await Promise.all([submit(one), submit(two)]);
    const claimed = await Promise.all(
      Array.from({ length: 8 }, () => claim({ limit: 3, runningPerUser: 3 })),
    );
    const of = await running();
    expect(of).toHaveLength(claimed.flat().length);
    for (const userId of [one, two]) expect(of.filter((id) => id === userId).length).toBeLessThanOrEqual(3);
    await claim({ limit: 6, runningPerUser: 3 });
    expect(await running()).toHaveLength(6);
  });
});

describe("a claim", () => {
  it("is not held up by tasks that nobody can read", async () => {
    const [user = ""] = await users(1);
    const [broken, sound] = [await submit(user), await submit(user)];
    await worker.sql`update genq.tasks set payload = '{"texts": 1}' where id = ${broken}`;
    const both = await claimNext(worker, "embed", { limit: 2, leaseMs: 60_000, runningPerUser: 10 });
    expect([both.unreadable, both.tasks.map((task) => task.id)]).toEqual([[broken], [sound]]);
  });

  it("tells which rings named no task of the queue", async () => {
    const [user = ""] = await users(1);
    const [real, forged] = [await submit(user), randomUUID()];
    const options = { limit: 1, leaseMs: 60_000, runningPerUser: 10, rung: [real, forged] };
    const elsewhere = await claimNext(worker, "generate", options);
    expect([elsewhere.tasks, elsewhere.unknown.sort()]).toEqual([[], [real, forged].sort()]);
    const here = await claimNext(worker, "embed", options);
    expect([here.tasks.map((task) => task.id), here.unknown]).toEqual([[real], [forged]]);
  });
});
