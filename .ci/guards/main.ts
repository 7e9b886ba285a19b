import { parseArgs } from "node:util";
import type { Guard } from "./guard.ts";
import { guards as all } from "./guards.ts";
import { runTests, type TestName, type Verdict } from "./run-test.ts";
import { findMisfits, makeWorkingCopy } from "./working-copy.ts";

const help = `npm run guards -- [--only NAME[,NAME…]] [--servers] [--json] [--check] [--list]

Takes each guard out of a copy of the working tree, one at a time, and expects its test to fail.

  --only      these guards: their names, or how their names begin
  --servers   on TEST_DATABASE_URL and TEST_QUEUE_URL: bash .ci/servers npm run guards -- --servers
  --check     only whether every guard of the list is still in the code
  --list      only names
  --json      the last line is one object
`;

interface Row {
  guard: string;
  protects: string;
  test: string;
  red: boolean;
  how: string;
  seconds: number;
}

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    servers: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const say = (text: string) => process.stdout.write(`${text}\n`);

if (values.help) say(help);
else if (values.list) say(all.map((guard) => guard.name).join("\n"));
else process.exitCode = await main();

async function main(): Promise<number> {
  const wanted = values.only?.split(",");
  const guards = all.filter(({ name }) => wanted?.some((begin) => name.startsWith(begin)) ?? true);
  const misfits = await findMisfits(process.cwd(), guards);
  if (new Set(all.map(({ name }) => name)).size < all.length) misfits.push("Two guards have one name.");
  if (guards.length === 0 || misfits.length > 0) {
    process.stderr.write(`${misfits.join("\n") || "No such guard; --list names them."}\n`);
    return 1;
  }
  if (values.check) {
    say(`${guards.length} guards are in the code`);
    return 0;
  }
  const begun = performance.now();
  const rows = await takeOutEach(guards);
  const survived = rows.filter((row) => !row.red);
  say(`\n${formatTable(rows)}\n`);
  say(
    `${rows.length - survived.length} of ${rows.length} guards are missed by their test when they are gone`,
  );
  if (values.json) {
    const seconds = Math.round((performance.now() - begun) / 1000);
    say(JSON.stringify({ guards: rows, survived: survived.map((row) => row.guard), seconds }));
  }
  return survived.length > 0 ? 1 : 0;
}

async function takeOutEach(guards: Guard[]): Promise<Row[]> {
  const copy = await makeWorkingCopy(process.cwd());
  const green = new Map<string, (test: TestName) => Verdict>();
  const stopped = () => void copy.remove().finally(() => process.exit(130));
  process.once("SIGINT", stopped).once("SIGTERM", stopped);
  try {
    const rows: Row[] = [];
    for (const guard of guards) {
      const begun = performance.now();
      const sound = await isGreen(guard);
      const verdict = sound.status === "passed" ? await takeOut(guard) : sound;
      const row: Row = {
        guard: guard.name,
        protects: guard.protects,
        test: `${guard.test.file}: ${guard.test.name}`,
        red: sound.status === "passed" && verdict.status === "failed",
        how: verdict.status === "passed" ? "SURVIVED: still green" : verdict.how,
        seconds: Math.round((performance.now() - begun) / 1000),
      };
      if (sound.status !== "passed") row.how = `NOT GREEN BEFORE: ${row.how}`;
      else if (verdict.status === "unknown") row.how = `NO VERDICT: ${row.how}`;
      rows.push(row);
      say(`${row.red ? "red " : "NOT "} ${guard.name.padEnd(32)} ${row.how}`);
    }
    return rows;
  } finally {
    await copy.remove();
  }

  /** What is red before proves nothing when it is red after: each file runs once with all its guards in place. */
  async function isGreen(guard: Guard): Promise<Verdict> {
    const key = JSON.stringify([guard.test.file, guard.embedded]);
    const known = green.get(key) ?? (await runTests(copy.root, [guard.test.file], undefined, modeOf(guard)));
    green.set(key, known);
    return known(guard.test);
  }

  async function takeOut(guard: Guard): Promise<Verdict> {
    const undo = await copy.edit(guard.edits);
    try {
      const { file, name } = guard.test;
      return (await runTests(copy.root, [file], name, modeOf(guard)))(guard.test);
    } finally {
      await undo();
    }
  }
}

function modeOf({ embedded = false }: Guard): { servers: boolean } {
  return { servers: values.servers && !embedded };
}

function formatTable(rows: Row[]): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("`", "'");
  const lines = rows.map(({ guard, protects, test, how }) =>
    ["", guard, protects, `\`${cell(test)}\``, `\`${cell(how)}\``, ""].join(" | ").trim(),
  );
  return ["| guard | without it | test | how it failed |", "|---|---|---|---|", ...lines].join("\n");
}
