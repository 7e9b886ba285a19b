import { parseArgs } from "node:util";
import { z } from "zod";

export interface Flags {
  /** The api's port; Supabase gets the next one and Postgres the one after it. */
  readonly port: number;
  readonly data: string;
  readonly models: "mini" | "hub" | "auto";
  readonly json: boolean;
  readonly help: boolean;
}

export const helpText = `Usage: npm start -- [flags]

Starts genq on this machine: embedded Postgres, Supabase Auth and Storage, the api and a worker.

  --port N        the api's port (8000); Supabase uses N+1 and Postgres N+2
  --data DIR      where everything is kept (.data)
  --models WHICH  auto: the model hub's when it can be reached, else the bundled ones (default)
                  hub:  the model hub's (HF_ENDPOINT, https://huggingface.co unless set)
                  mini: the bundled ones, no network needed
  --json          print one line of JSON when ready, and nothing else on standard output;
                  npm's own two lines before it go by 'npm start --silent -- --json'
  --help          print this
`;

const schema = z.object({
  port: z.coerce
    .number("--port wants a number")
    .int("--port wants a whole number")
    .min(1, "--port wants a number from 1 to 65533")
    .max(65_533, "--port wants a number from 1 to 65533")
    .default(8000),
  data: z.string().min(1, "--data wants a folder").default(".data"),
  models: z.enum(["mini", "hub", "auto"], "--models wants mini, hub or auto").default("auto"),
  json: z.boolean().default(false),
  help: z.boolean().default(false),
});

/** The flags, or one sentence about what is wrong with them. */
export function parseFlags(args: string[]): Flags | { problem: string } {
  let values: unknown;
  try {
    values = parseArgs({
      args,
      options: {
        port: { type: "string" },
        data: { type: "string" },
        models: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
      strict: true,
    }).values;
  } catch (error) {
    return { problem: `${firstSentence(error)}; --help shows the flags.` };
  }
  const result = schema.safeParse(values);
  return result.success
    ? result.data
    : { problem: `${result.error.issues.map((it) => it.message).join("; ")}; --help shows the flags.` };
}

function firstSentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split(/\.\s|\n/)[0]?.replace(/\.$/, "") ?? text;
}
