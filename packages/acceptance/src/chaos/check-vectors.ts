import { type ChaosUser, newAsk, send } from "./client.ts";
import type { ChunkRecord, FileRecord, TaskRecord, TruthDatabase } from "./database.ts";
import { type Ask, History } from "./history.ts";

/** Vectors of the same text differ by what they were computed together with, far below this. */
const tolerance = 1e-3;
const textsPerTask = 200;
const filesAtOnce = 4;
const waitMs = 120_000;

/**
 * I3: the vectors that are stored and answered equal those of a run without faults: `control`, another user, has the same
 * files ingested and the same texts embedded, now that all is quiet.
 */
export async function findWrongVectors(
  truth: TruthDatabase,
  control: ChaosUser,
  asks: Ask[],
  tasks: Map<string, TaskRecord>,
): Promise<{ broken: string[]; files: number; texts: number }> {
  const files = await checkFiles(truth, control, asks, tasks);
  const texts = await checkTexts(control, asks, tasks);
  return { broken: [...files.broken, ...texts.broken], files: files.count, texts: texts.count };
}

interface Checked {
  broken: string[];
  count: number;
}

async function checkFiles(
  truth: TruthDatabase,
  control: ChaosUser,
  asks: Ask[],
  tasks: Map<string, TaskRecord>,
): Promise<Checked> {
  const broken: string[] = [];
  const files = new Map((await truth.files()).map((file) => [file.name, file]));
  const ready: { ask: Ask; file: FileRecord }[] = [];
  for (const ask of asks.filter(({ kind }) => kind === "upload")) {
    const file = files.get(`${ask.marker}.txt`);
    const status = tasks.get([...ask.taskIds][0] ?? "")?.status;
    if (file?.status === "ready") ready.push({ ask, file });
    else if (status === "completed")
      broken.push(`file ${file?.id} is ${file?.status} though its task completed`);
    if (file?.status === "ready" && status !== "completed")
      broken.push(`file ${file.id} is ready though its task ${status}`);
  }
  for (let at = 0; at < ready.length; at += filesAtOnce) {
    const batch = ready.slice(at, at + filesAtOnce);
    const twins = await Promise.all(batch.map(({ ask }) => ingestAgain(control, ask)));
    const ids = batch.map(({ file }) => file.id);
    const chunks = Map.groupBy(await truth.chunks([...ids, ...twins]), ({ file_id }) => file_id);
    batch.forEach(({ file }, index) => {
      const trouble = compareFiles(chunks.get(file.id) ?? [], chunks.get(twins[index] ?? "") ?? []);
      if (trouble !== undefined) broken.push(`file ${file.id}: ${trouble}`);
    });
  }
  return { broken, count: ready.length };
}

async function ingestAgain(control: ChaosUser, { text, marker }: Ask): Promise<string> {
  const ask = new History().add({ ...newAsk(control.index, "upload", ""), text, marker });
  const [client] = control.clients;
  if (client === undefined || (await send(client, ask)) !== "accepted")
    throw new Error(`The file of ${marker} could not be uploaded again: ${ask.refusal ?? "no answer"}`);
  const [id = "", file = ""] = [...ask.taskIds, ...ask.fileIds];
  const task = await client.tasks.wait(id, { timeoutMs: waitMs });
  if (task.status !== "completed") throw new Error(`Without faults the file of ${marker} ${task.status}.`);
  return file;
}

function compareFiles(mine: ChunkRecord[], twin: ChunkRecord[]): string | undefined {
  if (mine.length !== twin.length) return `${mine.length} chunks instead of ${twin.length}`;
  for (const [index, chunk] of mine.entries()) {
    const other = twin[index];
    if (chunk.ordinal !== index) return `chunk ${chunk.ordinal} where ${index} should be`;
    if (chunk.vectors !== 1) return `${chunk.vectors} vectors for chunk ${index}`;
    if (chunk.content !== other?.content) return `chunk ${index} has another text or place`;
    if (!near(parseVector(chunk.vector), parseVector(other.vector)))
      return `chunk ${index} has another vector`;
  }
  return undefined;
}

async function checkTexts(control: ChaosUser, asks: Ask[], tasks: Map<string, TaskRecord>): Promise<Checked> {
  const done = asks.flatMap((ask) => {
    const task = tasks.get([...ask.taskIds][0] ?? "");
    return ask.kind === "embed" && task?.status === "completed" ? [{ ask, task }] : [];
  });
  const broken: string[] = [];
  for (let at = 0; at < done.length; at += textsPerTask) {
    const batch = done.slice(at, at + textsPerTask);
    const expected = await embedAgain(
      control,
      batch.map(({ ask }) => ask.text),
    );
    batch.forEach(({ task }, index) => {
      const result = parseVectors(task.result);
      if (result.length !== 1 || !near(result[0], expected[index]))
        broken.push(`task ${task.id} has another vector`);
    });
  }
  return { broken, count: done.length };
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

function parseVectors(result: string | null): number[][] {
  const parsed = JSON.parse(result ?? "{}") as { embeddings?: number[][] };
  return parsed.embeddings ?? [];
}

function parseVector(text: string | null): number[] | undefined {
  return text === null ? undefined : (JSON.parse(text) as number[]);
}

function near(one: number[] | undefined, other: number[] | undefined): boolean {
  if (one === undefined || other === undefined || one.length !== other.length) return false;
  return one.every((value, index) => Math.abs(value - (other[index] ?? Number.NaN)) <= tolerance);
}
