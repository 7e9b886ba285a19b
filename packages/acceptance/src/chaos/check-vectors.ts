import { type ChaosUser, newRequest, send } from "./client.ts";
import type { FileComparison, TruthDatabase } from "./database.ts";
import { waitUntil } from "./faults/wait-until.ts";
import type { Findings } from "./findings.ts";
import { type History, History as Requests } from "./history.ts";

/** Vectors of the same text differ by what they were computed together with, far below this. */
const tolerance = 1e-3;
const textsPerTask = 200;
const waitMs = 120_000;

/**
 * I3: the vectors that are stored and answered equal those of a run without faults: `control`, another user, has each
 * document ingested and the same texts embedded, now that all is quiet.
 */
export async function checkVectors(known: {
  truth: TruthDatabase;
  control: ChaosUser;
  userIds: string[];
  history: History;
  findings: Findings;
}): Promise<{ files: number; texts: number }> {
  const { truth, control, userIds, history, findings } = known;
  const documents = new Map(
    history.asks.flatMap((ask) => (ask.kind === "upload" ? [[`${ask.user}-${ask.text}`, ask] as const] : [])),
  );
  await Promise.all([...documents.values()].map(({ user, text }) => ingestAgain(control, user, text)));
  let files = 0;
  for await (const file of truth.files(userIds, control.user.id)) {
    if (file.status !== "ready" && file.status !== "partial") continue;
    files++;
    const trouble = findFileTrouble(file);
    if (trouble !== undefined) findings.add("I3", `file ${file.id}: ${trouble}`, file);
  }
  let texts = 0;
  for await (const batch of truth.embeddings(userIds, textsPerTask)) {
    texts += batch.length;
    const expected = await embedAgain(
      control,
      batch.map(({ text }) => text),
    );
    for (const [index, { id, vectors }] of batch.entries()) {
      const trouble = findVectorTrouble(vectors, expected[index]);
      if (trouble !== undefined) findings.add("I3", `embed ${id}: ${trouble}`);
    }
  }
  return { files, texts };
}

export function findFileTrouble(file: FileComparison): string | undefined {
  if (file.twin_id === null) return "its content is nobody's document";
  if (file.chunks !== file.twin_chunks) return `${file.chunks} chunks instead of ${file.twin_chunks}`;
  if (file.other_chunks > 0) return `${file.other_chunks} chunks with another text or place`;
  if (file.odd_vectors > 0) return `${file.odd_vectors} chunks without a vector, or with two`;
  if (file.distance === null || file.distance > tolerance) return `a vector is ${file.distance} away`;
  return undefined;
}

export function findVectorTrouble(vectors: number[][], expected: number[] | undefined): string | undefined {
  const [vector = []] = vectors;
  if (vectors.length !== 1) return `${vectors.length} vectors for one text`;
  if (vector.length !== expected?.length) return `${vector.length} dimensions instead of ${expected?.length}`;
  const equal = vector.every(
    (value, index) => Math.abs(value - (expected[index] ?? Number.NaN)) <= tolerance,
  );
  return equal ? undefined : "another vector";
}

async function ingestAgain(control: ChaosUser, user: number, text: number): Promise<void> {
  const ask = new Requests().add({ ...newRequest(user, "upload", text) });
  const [client] = control.clients;
  if (client === undefined) throw new Error("A stack has at least one api.");
  // All documents at once may be more than a busy machine's api takes.
  const accepted = await waitUntil(waitMs, async () => (await send(client, ask)) !== "unknown", 500);
  if (accepted === undefined || ask.outcomes.at(-1) !== "accepted")
    throw new Error(
      `Document ${text} of user ${user} could not be uploaded again: ${ask.refusal ?? ask.trouble}`,
    );
  const task = await client.tasks.wait(ask.taskIds[0] ?? "", { timeoutMs: waitMs });
  if (task.status !== "completed")
    throw new Error(`Without faults document ${text} of ${user} ${task.status}.`);
}

async function embedAgain(control: ChaosUser, texts: string[]): Promise<number[][]> {
  const [client] = control.clients;
  if (client === undefined) throw new Error("A stack has at least one api.");
  const { id } = await client.embedAsync({ texts });
  const task = await client.tasks.wait(id, { timeoutMs: waitMs });
  if (task.kind !== "embed" || task.result === null)
    throw new Error(`Without faults the embedding ${task.status}.`);
  return task.result.embeddings;
}
