import { setTimeout as sleep } from "node:timers/promises";
import { createGenqClient, type GenqClient } from "@genq/sdk";
import { makePdf } from "../documents/make-pdf.ts";
import { makeText } from "../documents/make-text.ts";
import { signUp } from "../stack/sign-up.ts";
import type { Figures } from "./figures.ts";
import { connections, type LoadResult, putUnderLoad } from "./http-load.ts";
import { watchPeaks } from "./memory.ts";
import type { Subject } from "./subject.ts";

const pdfPages = 100;
const textCharacters = 2_000_000;
const drainMs = 300_000;

/** Measures the main job on a running stack. */
export async function measureMainJob(
  subject: Subject,
  figures: Figures,
  secondsPerLoad: number,
): Promise<void> {
  const { apiUrl, readMemory } = subject;
  let token = "";
  const genq = createGenqClient({ apiUrl, getAccessToken: () => token });
  const config = await genq.config();
  token = (await signUp(config.supabase_url, config.supabase_publishable_key)).token;

  await warmUp(genq);
  addMemory(figures, "memory when ready", await readMemory());
  const peaks = watchPeaks(readMemory);
  await measurePdf(genq, figures);
  await measureText(genq, figures);
  const taskId = await measureAnswer(genq, figures);
  await measureHttp({ apiUrl, token, taskId, seconds: secondsPerLoad, genq, figures });
  addMemory(figures, "memory at most", await peaks.stop());
}

/** Loads both models, and everything else that the first request pays for. */
async function warmUp(genq: GenqClient): Promise<void> {
  await ingest(genq, new Blob(["This is a short text."]), "warm-up.txt");
  await genq.generate({ text: "short", search: true, max_new_tokens: 2 });
}

/** Uploads, waits until it can be searched, and returns the seconds that took. */
async function ingest(genq: GenqClient, content: Blob, name: string) {
  const begun = performance.now();
  const { file, task } = await genq.upload(content, { name });
  if (task === null) throw new Error(`${name} was there before.`);
  const ended = await genq.tasks.wait(task.id);
  if (ended.kind !== "ingest" || ended.result === null) {
    throw new Error(`${name} was not ingested: ${ended.problem?.detail ?? ended.status}`);
  }
  return { fileId: file.id, seconds: (performance.now() - begun) / 1000, ...ended.result };
}

async function measurePdf(genq: GenqClient, figures: Figures): Promise<void> {
  const pdf = new Blob([new Uint8Array(await makePdf(pdfPages, { seed: Date.now() }))]);
  const { seconds, pages, chunks } = await ingest(genq, pdf, `${pdfPages}-pages.pdf`);
  figures.add(`PDF of ${pages} pages, upload to ready`, seconds, "s");
  figures.add("PDF ingestion", pages / seconds, "pages/s");
  figures.add("PDF ingestion, vectors", chunks / seconds, "vectors/s");
}

/** A text has next to nothing to parse: what is left is chunking, the model, and Postgres. */
async function measureText(genq: GenqClient, figures: Figures): Promise<void> {
  const text = new Blob([makeText(textCharacters, Date.now())]);
  const { seconds, chunks, tokens, fileId } = await ingest(genq, text, "large.txt");
  const rate = chunks / seconds;
  figures.add("text ingestion, vectors into Postgres", rate, "vectors/s");
  figures.add("text ingestion, tokens", tokens / seconds, "tokens/s");

  // The same chunks through the model alone are the ceiling of that.
  const { results } = await genq.search({ query: "harbour", k: 100, file_ids: [fileId] });
  const texts = results.map((result) => result.text);
  const begun = performance.now();
  const rounds = 4;
  for (let round = 0; round < rounds; round++) {
    const { id } = await genq.embedAsync({ texts: texts.map((text) => `${round} ${text}`) });
    const task = await genq.tasks.wait(id);
    if (task.status !== "completed") throw new Error(`The embedding ${task.status}.`);
  }
  const alone = (rounds * texts.length) / ((performance.now() - begun) / 1000);
  figures.add("POST /embed-async of such chunks", alone, "vectors/s");
  figures.add("text ingestion", rate / alone, "times", "POST /embed-async of such chunks");
}

async function measureAnswer(genq: GenqClient, figures: Figures): Promise<string> {
  const times: number[] = [];
  let id = "";
  for (let round = 0; round < 5; round++) {
    const begun = performance.now();
    ({ id } = await genq.generateAsync({
      text: `What is round ${round}?`,
      search: true,
      max_new_tokens: 32,
    }));
    await genq.tasks.wait(id);
    times.push((performance.now() - begun) / 1000);
  }
  figures.add("answer with citations, alone, median of 5", times.sort((a, b) => a - b)[2] ?? 0, "s");
  return id;
}

interface HttpSubject {
  apiUrl: string;
  token: string;
  taskId: string;
  seconds: number;
  genq: GenqClient;
  figures: Figures;
}

async function measureHttp({ apiUrl, token, taskId, seconds, genq, figures }: HttpSubject): Promise<void> {
  const report = (name: string, result: LoadResult, floor?: LoadResult) => {
    figures.add(`${name}, p50 at ${connections} connections`, result.p50Ms, "ms");
    figures.add(`${name}, p99 at ${connections} connections`, result.p99Ms, "ms");
    figures.add(`${name}, rate`, result.requestsPerSecond, "requests/s");
    if (floor === undefined) return;
    figures.add(`${name}, rate`, result.requestsPerSecond / floor.requestsPerSecond, "times", "GET /config");
  };
  const read = { url: `${apiUrl}/task/${taskId}`, token, seconds };
  const json = { text: "ping", max_new_tokens: 1 };
  await putUnderLoad({ ...read, seconds: 2 });
  // Answered without a database: what the server and this client can do at all.
  const floor = await putUnderLoad({ url: `${apiUrl}/config`, seconds });
  report("GET /config", floor);
  report("GET /task/:id", await putUnderLoad(read), floor);
  const begun = performance.now();
  const submitted = await putUnderLoad({ url: `${apiUrl}/generate-async`, token, json, seconds });
  report("POST /generate-async", submitted, floor);
  await drained(genq);
  figures.add(
    "tasks done, from the first POST to the last answer",
    submitted.requests / ((performance.now() - begun) / 1000),
    "tasks/s",
  );
}

/** Waits until the queue of generations is empty. */
async function drained(genq: GenqClient): Promise<void> {
  const deadline = performance.now() + drainMs;
  while (performance.now() < deadline) {
    const running = await genq.tasks.page({ kind: "generate", status: "processing", pageSize: 1 });
    const queued = await genq.tasks.page({ kind: "generate", status: "queued", pageSize: 1 });
    if (running.data.length + queued.data.length === 0) return;
    await sleep(200);
  }
  throw new Error(`The tasks were not done within ${drainMs / 1000} s.`);
}

function addMemory(figures: Figures, when: string, memory: Map<string, number>): void {
  for (const [name, bytes] of memory) figures.add(`${when}, ${name}`, Math.round(bytes / 1e6), "MB");
  const total = [...memory.values()].reduce((sum, bytes) => sum + bytes, 0);
  figures.add(`${when}, all together`, Math.round(total / 1e6), "MB");
}
