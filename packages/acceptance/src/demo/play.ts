import { openAsBlob } from "node:fs";
import { basename } from "node:path";
import { type Citation, type GenqClient, GenqError, type Passage, type Task } from "@genq/sdk";
import { bar, bold, dim, excerpt, say, sayStep, show } from "./screen.ts";

/** A document and what is asked about it. */
export interface Scene {
  path: string;
  question: string;
}

/** The main job with one document: upload, ingestion, search, answer. @throws GenqError */
export async function play(genq: GenqClient, { path, question }: Scene): Promise<void> {
  const fileId = await upload(genq, path);
  await search(genq, fileId, question);
  await answer(genq, fileId, question);
}

async function upload(genq: GenqClient, path: string): Promise<string> {
  const name = basename(path);
  const content = await openAsBlob(path);
  say(`\n${bold(name)} ${dim(formatBytes(content.size))}`);
  let begun = performance.now();
  const { file, task } = await genq.upload(content, {
    name,
    onProgress: ({ sentBytes }) => show("upload", bar(sentBytes, content.size)),
  });
  sayStep("upload", bar(1, 1), performance.now() - begun);
  if (task === null) return file.id;

  begun = performance.now();
  const ended = await genq.tasks.wait(task.id, { onProgress: (state) => show("ingest", describe(state)) });
  if (ended.problem !== null) throw GenqError.of(ended.problem, ended.problem.status);
  const { pages, chunks, status } = await genq.files.get(file.id);
  const failed = pages.failed.length === 0 ? "" : `, unreadable: ${pages.failed.join(", ")}`;
  sayStep(
    "ingest",
    `${count(pages.done, "page")}${failed}, ${count(chunks.done, "chunk")}, ${status}`,
    performance.now() - begun,
  );
  return file.id;
}

async function search(genq: GenqClient, fileId: string, question: string): Promise<void> {
  const begun = performance.now();
  const { results } = await genq.search({ query: question, k: 3, file_ids: [fileId] });
  sayStep("search", excerpt(question), performance.now() - begun);
  for (const passage of results) {
    say(
      `            ${passage.score.toFixed(2)}  ${[place(passage), excerpt(passage.text, 62)].filter(Boolean).join("  ")}`,
    );
  }
}

async function answer(genq: GenqClient, fileId: string, question: string): Promise<void> {
  const begun = performance.now();
  const submitted = await genq.generateAsync({
    text: question,
    file_ids: [fileId],
    max_new_tokens: 200,
    temperature: 0,
  });
  const task = await genq.tasks.wait(submitted.id, {
    onProgress: (state) => show("answer", describe(state)),
  });
  if (task.problem !== null) throw GenqError.of(task.problem, task.problem.status);
  if (task.kind !== "generate" || task.result === null) throw new Error("The task has no answer.");
  const { generated_text: text, citations, usage, model, confidence } = task.result;
  const about = `${count(usage.completion_tokens, "token")} by ${model}, confidence ${confidence.toFixed(2)}`;
  sayStep("answer", about, performance.now() - begun);
  for (const line of text.trim().split("\n")) say(`            ${bold(line)}`);
  for (const citation of citations) {
    const where = [citation.file_name, place(citation)].filter(Boolean).join(", ");
    say(`            [${citation.index}] ${where}  ${dim(excerpt(citation.text, 40))}`);
  }
}

function describe({ status, progress }: Task): string {
  if (progress === null) return status;
  const { stage, done, total, unit } = progress;
  return total === null
    ? `${stage}, ${done} ${unit}`
    : `${bar(done, total)} ${stage}, ${done} of ${total} ${unit}`;
}

function place({ page, page_end: end }: Passage | Citation): string {
  if (page === null) return "";
  return end === null || end === page ? `page ${page}` : `pages ${page}-${end}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function formatBytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
