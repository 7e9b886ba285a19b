import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { makePdf } from "../documents/make-pdf.ts";
import { freePorts } from "../stack/free-ports.ts";
import { killHard, type LaunchedStack, LaunchFailed, launch, shutDown } from "../stack/launch.ts";
import { untilGone } from "../stack/processes.ts";
import { signUp } from "../stack/sign-up.ts";
import { at, call, textAt } from "../testing/call.ts";
import { closeConnections } from "../testing/close-connections.ts";
import { type Caller, pollTask, upload, uploadReady } from "../testing/main-job.ts";
import { sharedStack } from "../testing/stack.ts";

/** What everything has to end within, and a little for the looking. */
const endMs = 5000;

// The launcher is of the standalone edition; the other editions have no part in this file.
const launcherTest = test.runIf(sharedStack().edition === "standalone");

let dataDir: string;
let port: number;
let stack: LaunchedStack | undefined;
let fileId: string;
let me: Caller;

const start = async (): Promise<LaunchedStack> => {
  stack = await launch({ port, dataDir });
  return stack;
};
const search = async () => {
  const json = { query: "What does the parrot say?", k: 1 };
  return (await call(`${me.apiUrl}/search`, "POST", { token: me.token, json })).text;
};

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "genq-launcher-"));
  port = await freePorts();
});
afterAll(async () => {
  if (stack !== undefined) await shutDown(stack);
  await closeConnections();
  await rm(dataDir, { recursive: true, force: true });
});

launcherTest("npm start says one line of JSON when everything answers", async () => {
  const started = await start();
  expect(started.readyMs).toBeLessThan(45_000);
  expect(started.output.trim().split("\n")).toHaveLength(1);
  expect(JSON.parse(started.output)).toMatchObject({ ready: true, api_url: `http://127.0.0.1:${port}` });
  const user = await signUp(started.supabaseUrl, started.publishableKey);
  me = { apiUrl: started.apiUrl, token: user.token };
  fileId = await uploadReady(me, new Blob(["The parrot says: pieces of eight."]), "parrot.txt");
});

launcherTest("a data folder in use is told in one sentence", async () => {
  const failed = await launch({ port: await freePorts(), dataDir }).catch((error: unknown) => error);
  expectOneSentence(failed, /data folder .* in use/i);
});

launcherTest("SIGTERM ends everything within 5 s", async () => {
  const { npm, launcher, processes } = await running();
  const all = processes();
  expect(all.length).toBeGreaterThanOrEqual(6);
  const exited = once(npm, "exit");
  process.kill(launcher.pid, "SIGTERM");
  expect(await untilGone(all, endMs)).toMatchObject({ left: [] });
  expect(await exited).toEqual([0, null]);
});

launcherTest("after a restart on the same folder the file is there and is found", async () => {
  await start();
  expect((await call(`${me.apiUrl}/files/${fileId}`, "GET", { token: me.token })).json).toMatchObject({
    status: "ready",
  });
  expect(await search()).toContain("pieces of eight");
});

launcherTest(
  "kill -9 of the launcher: no child outlives it by 5 s, and the data is there at the next start",
  async () => {
    const { launcher, processes } = await running();
    const all = processes();
    process.kill(launcher.pid, "SIGKILL");
    expect(await untilGone(all, endMs)).toMatchObject({ left: [] });
    await start();
    expect(await search()).toContain("pieces of eight");
  },
);

launcherTest("kill -9 of everything at once loses nothing", async () => {
  const { processes } = await running();
  const all = processes();
  for (const { pid } of all) killHard(pid);
  expect(await untilGone(all, endMs)).toMatchObject({ left: [] });
  await start();
  expect(await search()).toContain("pieces of eight");
});

launcherTest(
  "a worker killed with -9 in mid-ingestion: the file becomes ready, with no chunk twice",
  async () => {
    const { processes } = await running();
    const pages = 60;
    const pdf = new Blob([new Uint8Array(await makePdf(pages))]);
    const uploaded = await upload(me, pdf, "codes.pdf");
    const id = textAt(uploaded.json, "file", "id");
    const begun = async () => {
      const { json } = await call(`${me.apiUrl}/files/${id}`, "GET", { token: me.token });
      expect(at(json, "status"), "it was ready before the worker could be killed").not.toBe("ready");
      return Number(at(json, "chunks", "done")) > 0;
    };
    while (!(await begun())) await sleep(20);
    const worker = processes().find(({ command }) => command.includes("apps/worker/src/main.ts"));
    process.kill(worker?.pid ?? 0, "SIGKILL");

    const task = await pollTask(me, textAt(uploaded.json, "task", "id"));
    expect(task).toMatchObject({ status: "completed", attempt: 2, result: { status: "ready", pages } });
    const json = { query: "the code of a page", k: 100, file_ids: [id] };
    const found = await call(`${me.apiUrl}/search`, "POST", { token: me.token, json });
    const results = at(found.json, "results");
    if (!Array.isArray(results)) throw new TypeError(found.text);
    expect(new Set(results.map((passage) => at(passage, "text"))).size).toBe(results.length);
  },
);

launcherTest("SIGTERM to npm, as a terminal or a supervisor sends it, ends everything too", async () => {
  const { npm, processes } = await running();
  const all = processes();
  npm.kill("SIGTERM");
  expect(await untilGone(all, endMs + 1000)).toMatchObject({ left: [] });
  stack = undefined;
});

launcherTest("a taken port is told in one sentence", async () => {
  const squatter = createServer().listen(port, "127.0.0.1");
  onTestFinished(() => new Promise((resolve) => squatter.close(() => resolve())));
  const failed = await launch({ port, dataDir }).catch((error: unknown) => error);
  expectOneSentence(failed, new RegExp(`port ${port} .*taken`, "i"));
});

function running(): Promise<LaunchedStack> {
  if (stack === undefined) throw new Error("The test before this one has to leave a running stack.");
  return Promise.resolve(stack);
}

function expectOneSentence(failed: unknown, said: RegExp): void {
  if (!(failed instanceof LaunchFailed))
    throw new Error("It started, or failed in another way.", { cause: failed });
  expect(failed.exitCode).toBe(1);
  expect(failed.stderr).toMatch(said);
  expect(failed.stderr.trim().split("\n")).toHaveLength(1);
}
