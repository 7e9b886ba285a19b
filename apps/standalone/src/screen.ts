import { readLogLine } from "./process/log-lines.ts";
import { progressText } from "./text.ts";

const progressEveryMs = 2000;
const repeatAfterMs = 60_000;

/** What the launcher shows: progress on standard output (nowhere with --json), trouble on standard error. */
export class Screen {
  readonly #json: boolean;
  readonly #lastProgress = new Map<string, { state: string; at: number }>();
  readonly #lastWarning = new Map<string, number>();

  constructor(json: boolean) {
    this.#json = json;
  }

  say(line: string): void {
    if (!this.#json) {
      process.stdout.write(`${line}\n`);
    }
  }

  warn(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  /** A line of a child's log: all of them are in its file, few are for the screen. */
  childLine(name: string, line: string): void {
    const event = readLogLine(line);
    const now = Date.now();
    if (event.kind === "progress") {
      const { model, state } = event.progress;
      const last = this.#lastProgress.get(model);
      if (last?.state !== state || now - last.at >= progressEveryMs) {
        this.#lastProgress.set(model, { state, at: now });
        this.say(progressText(event.progress));
      }
    } else if (event.kind === "warning") {
      const text = `${name}: ${event.text}`;
      if (now - (this.#lastWarning.get(text) ?? 0) >= repeatAfterMs) {
        if (this.#lastWarning.size > 1000) {
          this.#lastWarning.clear();
        }
        this.#lastWarning.set(text, now);
        this.warn(text);
      }
    }
  }
}
