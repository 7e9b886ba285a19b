import { z } from "zod";
import type { ModelProgress } from "./process/log-lines.ts";

export interface Facts {
  readonly apiUrl: string;
  readonly supabaseUrl: string;
  readonly publishableKey: string;
  readonly embedding: string;
  readonly generation: string;
  readonly modelNotes: readonly string[];
  readonly dataFolder: string;
  readonly seconds: number;
}

/** The screen that is shown once everything answers. Its four curl lines work when pasted into a POSIX shell. */
export function readyText(facts: Facts): string {
  const { apiUrl, supabaseUrl, publishableKey } = facts;
  const json = "-H 'content-type: application/json'";
  const taskId = `sed 's/.*"task_id":"\\([^"]*\\)".*/\\1/'`;
  const bearer = '-H "authorization: Bearer $TOKEN"';
  return `
genq is ready (${facts.seconds.toFixed(1)} s).

  API              ${apiUrl}
  Docs             ${apiUrl}/docs
  Supabase         ${supabaseUrl}
  Publishable key  ${publishableKey}
  Models           ${facts.embedding} (embedding), ${facts.generation} (generation)
  Data             ${facts.dataFolder}
${facts.modelNotes.map((note) => `\n  ${note}\n`).join("")}
Try it (sign up, upload a file, ask about it, read the answer):

TOKEN=$(curl -s "${supabaseUrl}/auth/v1/signup" -H "apikey: ${publishableKey}" ${json} -d "{\\"email\\":\\"me$(date +%s)@example.com\\",\\"password\\":\\"correct-horse\\"}" | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
curl -s "${apiUrl}/task/$(curl -s ${apiUrl}/upload ${bearer} -F file=@README.md | ${taskId})?wait=25" ${bearer} -w '\\n'
TASK=$(curl -s ${apiUrl}/generate-async ${bearer} ${json} -d '{"text":"What is genq?","search":true}' | ${taskId})
curl -s "${apiUrl}/task/$TASK?wait=25" ${bearer} -w '\\n'

The same from upload to cited answer, in a second terminal: npm run demo -- --url ${apiUrl}

Ctrl-C ends it.
`;
}

/** The one line of --json. */
export function readyJson(facts: Facts): string {
  return `${JSON.stringify({
    ready: true,
    api_url: facts.apiUrl,
    supabase_url: facts.supabaseUrl,
    publishable_key: facts.publishableKey,
    docs_url: `${facts.apiUrl}/docs`,
    data_dir: facts.dataFolder,
    models: { embedding: facts.embedding, generation: facts.generation },
  })}\n`;
}

const readinessSchema = z.object({
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string().nullable() })),
});

/** What the answer of `GET /ready` says is missing, in one line. */
export function waitingText(answer: string): string {
  let checks: z.infer<typeof readinessSchema>["checks"];
  try {
    ({ checks } = readinessSchema.parse(JSON.parse(answer)));
  } catch {
    return "it is not ready";
  }
  const failing = checks
    .filter(({ ok }) => !ok)
    .map(({ name, detail }) => (detail === null ? name : `${name} (${detail})`));
  return failing.join(", ") || "it is not ready";
}

/** A line about a model that is being fetched or loaded. */
export function progressText(progress: ModelProgress): string {
  const { loaded_bytes: loaded, total_bytes: total, bytes_per_second: rate } = progress;
  const amount =
    loaded !== undefined && total !== undefined && total > 0
      ? ` ${megabytes(loaded)} of ${megabytes(total)} MB (${Math.floor((100 * loaded) / total)} %)`
      : "";
  const speed = rate !== undefined && progress.state === "downloading" ? `, ${megabytes(rate)} MB/s` : "";
  const error = progress.error === undefined ? "" : `: ${progress.error}`;
  return `model ${progress.model}: ${progress.state}${amount}${speed}${error}`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
