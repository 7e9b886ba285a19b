import { parseArgs } from "node:util";

export const helpText = `Usage: npm run bench -- main-job [flags]

Measures the main job over HTTP: how soon the stack is ready, its memory, the ingestion of a 100-page PDF and of a large
text, and the latency of POST /generate-async and GET /task/:id at 20 connections beside that of GET /config.

  --edition standalone   starts \`npm start\` in a temporary folder (default)
  --edition server       measures the stack of --url; start it with RATE_LIMIT_PER_MINUTE=100000000
  --url URL              the api of the server edition
  --worker-url URL       its worker's port for metrics (WORKER_PORT), for the memory of the worker; may be repeated
  --seconds N            how long each HTTP measurement takes (8)
  --json                 one line of JSON at the end
  --help                 print this
`;

export interface Flags {
  url: string | undefined;
  workerUrls: string[];
  secondsPerLoad: number;
  json: boolean;
  help: boolean;
}

/** The flags, or one sentence about what is wrong with them. */
export function parseFlags(args: string[]): Flags | { trouble: string } {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        edition: { type: "string", default: "standalone" },
        url: { type: "string" },
        "worker-url": { type: "string", multiple: true, default: [] },
        seconds: { type: "string", default: "8" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const { edition, url, seconds, json, help } = values;
    if (!help && positionals.join() !== "main-job") return { trouble: "Say which benchmark: main-job." };
    if (edition !== "standalone" && edition !== "server")
      return { trouble: "--edition wants standalone or server." };
    if ((edition === "server") !== (url !== undefined))
      return { trouble: "--edition server and --url go together." };
    const secondsPerLoad = Number(seconds);
    if (!(secondsPerLoad >= 1)) return { trouble: "--seconds wants a number from 1." };
    return { url, workerUrls: values["worker-url"], secondsPerLoad, json, help };
  } catch (error) {
    const [what = ""] = (error instanceof Error ? error.message : String(error)).split(/\.(?:\s|$)/);
    return { trouble: `${what}.` };
  }
}
