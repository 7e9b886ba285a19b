import type { Guard } from "./guard.ts";

const turns = "supabase/migrations/20261121180000_set_triggers.sql";
const places = "supabase/migrations/20261121234500_fair_places.sql";
const claimNext = "packages/core/src/db/claim-next.ts";

/** A claim that finds its rows again by their keys. */
export const claimById: Guard["edits"] = [
  {
    file: claimNext,
    find: "limit: number): Fragment {\n  return sql`\n    select ctid, user_id",
    replace: "limit: number): Fragment {\n  return sql`\n    select id, user_id",
  },
  {
    file: claimNext,
    find: "select ctid from (\n          select *",
    replace: "select id from (\n          select *",
  },
  { file: claimNext, find: "t.ctid = chosen.ctid", replace: "t.id = chosen.id" },
];

/** What a statement reads does not grow with what waits. */
export const planGuards: Guard[] = [
  {
    name: "capped-user-plans",
    protects: "A claim past a user who has enough running reads all that waits in other queues.",
    edits: [
      {
        file: claimNext,
        find: "where case status when 'queued' then run_after <= now() end and ctid in (",
        replace: "where status = 'queued' and run_after <= now() and id in (",
      },
      {
        file: claimNext,
        find: "select ctid, turn, place from (\n          select ctid, user_id, turn, place",
        replace: "select id, turn, place from (\n          select id, user_id, turn, place",
      },
      {
        file: claimNext,
        find: "select ctid, turn, place from tasks",
        replace: "select id, turn, place from tasks",
      },
      {
        file: claimNext,
        find: "select ctid from (select * from near",
        replace: "select id from (select * from near",
      },
    ],
    test: {
      file: "packages/core/src/db/fair-turns.int.test.ts",
      name: "beside a backlog a claim past a user who has enough running reads few rows of what waits in another queue",
    },
  },
  {
    name: "claim-by-ctid",
    protects: "Each claim reads the whole table while the last statistics are of an empty one.",
    edits: claimById,
    test: {
      file: "packages/core/src/db/fair-turns.int.test.ts",
      name: "beside a backlog a claim reads few rows, though statistics were taken when all there was had been deleted",
    },
  },
  {
    name: "backlog-plans",
    protects: "A large backlog is read through the wrong index by each submit.",
    edits: [
      { file: turns, find: "alter table genq.tasks alter column status set statistics 0;\n", replace: "" },
      {
        file: places,
        find: "and case t.status when 'queued' then exists (",
        replace: "and t.status = 'queued' and exists (",
      },
      {
        file: places,
        find: "and other.turn = t.turn and other.id <> t.id) end\n",
        replace: "and other.turn = t.turn and other.id <> t.id)\n",
      },
      {
        file: places,
        find: "(user_id, queue, turn) where",
        replace: "(queue, user_id, turn) where",
      },
    ],
    test: {
      file: "packages/core/src/db/fair-turns.int.test.ts",
      name: "beside a backlog a submit and a claim read few rows, though statistics were taken while nothing waited",
    },
  },
];
