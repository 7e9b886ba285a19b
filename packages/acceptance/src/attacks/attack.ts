import { type Answer, at, textAt } from "../testing/call.ts";
import { type Caller, pollTask, upload } from "../testing/main-job.ts";

/** Who takes part in an attack. */
export interface Scene extends Caller {
  /** Limits of this server, in bytes. */
  uploadBytes: number;
  bodyBytes: number;
  /** What belongs to somebody else. */
  foreign: { fileId: string; taskId: string };
}

/** What came of it: the answer's status and problem code, or those that the task ended with. */
export interface Outcome {
  status: number;
  /** The problem's code; without a problem what came of it: `accepted`, `ready`, `partial`. */
  code: string;
  /** Where the problem was told. */
  by: "answer" | "task";
  text: string;
}

/** One line of the table: what is sent, and what may come of it. */
export interface Attack {
  name: string;
  send(scene: Scene): Promise<Outcome>;
  /** Each as `status code`. */
  expected: string[];
}

/** What an answer says by itself. */
export function outcomeOf({ status, text, json, headers }: Answer): Outcome {
  if (status < 400) return { status, code: "accepted", by: "answer", text };
  const isProblem = headers.get("content-type") === "application/problem+json";
  return { status, code: isProblem ? textAt(json, "code") : "not a problem", by: "answer", text };
}

/** What comes of a file in the end. */
export async function sendFile(
  scene: Scene,
  content: string | Uint8Array<ArrayBuffer>,
  name: string,
  type = "",
): Promise<Outcome> {
  const answer = await upload(scene, new Blob([content], { type }), name);
  if (answer.status >= 400) return outcomeOf(answer);
  const task = await pollTask(scene, textAt(answer.json, "task", "id"));
  const text = JSON.stringify(task);
  const status = at(task, "problem", "status");
  if (typeof status === "number") return { status, code: textAt(task, "problem", "code"), by: "task", text };
  return { status: answer.status, code: textAt(task, "result", "status"), by: "task", text };
}
