import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { progressText, readyJson, readyText, waitingText } from "./text.ts";

const facts = {
  apiUrl: "http://127.0.0.1:8000",
  supabaseUrl: "http://127.0.0.1:8001",
  publishableKey: "sb_publishable_abc",
  embedding: "genq/mini-embedder",
  generation: "genq/mini-generator",
  modelNotes: ["The model hub can't be reached."],
  dataFolder: "/srv/genq",
  seconds: 4.21,
};

test("the screen says where everything is, and fits on one", () => {
  const text = readyText(facts);
  for (const part of [
    ...Object.values(facts).filter((it) => typeof it === "string"),
    ...facts.modelNotes,
    "/docs",
  ]) {
    expect(text).toContain(part);
  }
  expect(text.split("\n").length).toBeLessThan(25);
});

test("the curl lines are what a shell makes of them", () => {
  const lines = readyText(facts)
    .split("\n")
    .filter((line) => line.includes("curl "));
  expect(lines).toHaveLength(4);
  // A curl that answers as the servers would, and tells how it was called.
  const script = `
curl() {
  printf '%s\\n' "$*" >&2
  case "$*" in
    *signup*) printf '{"access_token":"the.user.token","token_type":"bearer"}' ;;
    */upload*) printf '{"file":{"id":"f","task_id":"the-ingestion"},"task":{"id":"i","task_id":"the-ingestion"}}' ;;
    *generate-async*) printf '{"id":"1","task_id":"the-task","urls":{}}' ;;
  esac
}
${lines.join("\n")}
`;
  const calls = execFileSync("sh", ["-c", `{ ${script} } 2>&1`], { encoding: "utf8" });
  expect(calls).toContain('-d {"email":"me');
  expect(calls).toContain("apikey: sb_publishable_abc");
  expect(calls).toContain("/upload -H authorization: Bearer the.user.token -F file=@README.md");
  expect(calls).toContain("/task/the-ingestion?wait=25 -H authorization: Bearer the.user.token");
  expect(calls).toContain('-d {"text":"What is genq?","search":true}');
  expect(calls).toContain("/task/the-task?wait=25 -H authorization: Bearer the.user.token");
});

test("--json is one line", () => {
  const line = readyJson(facts);
  expect(line.endsWith("}\n") && !line.slice(0, -1).includes("\n")).toBe(true);
  expect(JSON.parse(line)).toMatchObject({
    ready: true,
    api_url: facts.apiUrl,
    supabase_url: facts.supabaseUrl,
    publishable_key: facts.publishableKey,
  });
});

test("a download is shown with its size and rate", () => {
  const progress = { event: "model_progress", model: "a/b", state: "downloading" } as const;
  expect(
    progressText({ ...progress, loaded_bytes: 25_000_000, total_bytes: 100_000_000, bytes_per_second: 5e6 }),
  ).toBe("model a/b: downloading 25.0 of 100.0 MB (25 %), 5.0 MB/s");
  expect(progressText({ ...progress, state: "ready" })).toBe("model a/b: ready");
});

test("what is waited for is named, not the whole answer", () => {
  const checks = [
    { name: "database", ok: true, detail: null },
    { name: "worker", ok: false, detail: "no worker was heard of" },
    { name: "models", ok: false, detail: "a/b is downloading; c/d is idle" },
  ];
  expect(waitingText(JSON.stringify({ ready: false, checks }))).toBe(
    "worker (no worker was heard of), models (a/b is downloading; c/d is idle)",
  );
  expect(waitingText("<html>")).toBe("it is not ready");
});
