import { parseArgs } from "node:util";

export const helpText = `Usage: npm run demo -- [FILE] [QUESTION] [--url URL]

Plays genq's main job against a running stack: signs up a user, uploads FILE, waits until it can be searched, searches
it, and asks QUESTION about it. Without arguments it does so with a sample PDF and a sample text in Japanese.

  --url URL   the API (http://127.0.0.1:8000)
  --help      print this
`;

export interface Flags {
  file: string | undefined;
  question: string | undefined;
  apiUrl: string;
  help: boolean;
}

/** The flags, or one sentence about what is wrong with them. */
export function parseFlags(args: string[]): Flags | { trouble: string } {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        url: { type: "string", default: "http://127.0.0.1:8000" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (positionals.length > 2) return { trouble: "Put the question in quotes: it is one argument." };
    if (!URL.canParse(values.url)) return { trouble: `"${values.url}" is not a URL.` };
    const [file, question] = positionals;
    return { file, question, apiUrl: values.url, help: values.help };
  } catch (error) {
    const [what = ""] = (error instanceof Error ? error.message : String(error)).split(/\.(?:\s|$)/);
    return { trouble: `${what}; --help shows the flags.` };
  }
}
