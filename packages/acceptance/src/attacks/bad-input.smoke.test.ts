import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { printsTable } from "../env.ts";
import { signUp } from "../stack/sign-up.ts";
import { at, call, textAt } from "../testing/call.ts";
import { closeConnections } from "../testing/close-connections.ts";
import { pollTask, uploadReady } from "../testing/main-job.ts";
import { sharedStack } from "../testing/stack.ts";
import { accessAttacks } from "./access-attacks.ts";
import type { Attack, Outcome, Scene } from "./attack.ts";
import { fileAttacks } from "./file-attacks.ts";
import { keyAttacks } from "./key-attacks.ts";
import { requestAttacks } from "./request-attacks.ts";
import { webhookAttacks } from "./webhook-attacks.ts";

const { apiUrl, supabaseUrl, publishableKey } = sharedStack();
const table: (Outcome & { name: string; ms: number })[] = [];
let scene: Scene;

const countOf = async (path: string) => {
  const { status, json, text } = await call(`${apiUrl}${path}?limit=100`, "GET", { token: scene.token });
  expect(status, text).toBe(200);
  return at(json, "data", "length");
};

beforeAll(async () => {
  const owner = { apiUrl, token: (await signUp(supabaseUrl, publishableKey)).token };
  const fileId = await uploadReady(owner, new Blob(["This is somebody else's."]), "theirs.txt");
  const json = { text: "a", max_new_tokens: 2 };
  const task = await call(`${apiUrl}/generate-async`, "POST", { token: owner.token, json });
  const limits = at((await call(`${apiUrl}/config`, "GET")).json, "limits");
  scene = {
    apiUrl,
    token: (await signUp(supabaseUrl, publishableKey)).token,
    uploadBytes: Number(at(limits, "upload_bytes")),
    bodyBytes: Number(at(limits, "body_bytes")),
    foreign: { fileId, taskId: textAt(task.json, "id") },
  };
});
afterAll(async () => {
  await closeConnections();
  if (printsTable()) process.stdout.write(`${formatTable()}\n`);
});

const attacks: [string, Attack[]][] = [
  ["files", fileAttacks],
  ["requests", requestAttacks],
  ["access", accessAttacks],
  ["keys", keyAttacks],
  ["webhooks", webhookAttacks],
];

describe.each(attacks)("bad input: %s", (_group, cases) => {
  test.each(cases)("$name", async ({ name, send, expected }) => {
    const before = { files: await countOf("/files"), tasks: await countOf("/tasks") };
    const begun = performance.now();
    const outcome = await send(scene);
    table.push({ name, ...outcome, ms: Math.round(performance.now() - begun) });
    expect(expected, outcome.text).toContain(`${outcome.status} ${outcome.code}`);
    expect(outcome.text).not.toMatch(/\bat .*\.(ts|js):\d+|select .* from|Error:/i);
    // The next request works, and what was refused left nothing behind.
    const after = { files: await countOf("/files"), tasks: await countOf("/tasks") };
    if (outcome.by === "answer" && outcome.status >= 400) expect(after).toEqual(before);
  });
});

test("after all of that the main job works", async () => {
  const fileId = await uploadReady(
    scene,
    new Blob(["The lighthouse keeper is called Isolde."]),
    "keeper.txt",
  );
  const json = { text: "What is the lighthouse keeper called?", file_ids: [fileId], max_new_tokens: 32 };
  const asked = await call(`${apiUrl}/generate-async`, "POST", { token: scene.token, json });
  const task = await pollTask(scene, textAt(asked.json, "id"));
  expect(at(task, "result", "citations", 0, "text")).toContain("Isolde");
  expect((await call(`${apiUrl}/health`, "GET")).json).toMatchObject({ status: "ok" });
});

function formatTable(): string {
  const lines = table.map(
    ({ name, status, code, by, ms }) => `| ${name} | ${status} | ${code} | ${by} | ${ms} |`,
  );
  return ["| case | status | code | told by | ms |", "|---|---|---|---|---|", ...lines].join("\n");
}
