import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Report, reportSchema } from "../report.ts";
import { LogFile } from "./log-file.ts";
import { LineReader } from "./log-lines.ts";

export interface ServiceOptions {
  readonly name: string;
  /** The TypeScript file that Node runs. */
  readonly entry: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFolder: string;
  /** What it can't live without: while that one is away its deaths are not its own fault. */
  readonly needs?: Service | undefined;
  /** Each line that the process writes, without its end. */
  readonly onLine: (line: string) => void;
}

interface ServiceEvents {
  /** The process said over its channel that it is ready, or why it can't be. */
  report: [Report];
  /** It ended by itself; it is started again after `delayMs`. */
  restart: [{ reason: string; delayMs: number }];
  /** It ended too often: nothing is started again. */
  gaveUp: [{ reason: string }];
}

/** Module that every child loads: it ends with the launcher. */
export const lifeLine = new URL("./life-line.ts", import.meta.url).href;
const quickDeathMs = 30_000;
const maxQuickDeaths = 5;
const firstDelayMs = 250;
const awayDelayMs = 500;
const lastWordLines = 4;
const lastWordLength = 400;

/** A child process that is started again when it dies. */
export class Service extends EventEmitter<ServiceEvents> {
  readonly name: string;
  readonly #options: ServiceOptions;
  readonly #log: LogFile;
  #child: ChildProcess | undefined;
  #exit: Promise<unknown> = Promise.resolve();
  #stopping = false;
  #quickDeaths = 0;
  #readySince: number | undefined;
  #lastWords: string[] = [];

  constructor(options: ServiceOptions) {
    super();
    this.name = options.name;
    this.#options = options;
    this.#log = new LogFile(join(options.logFolder, `${options.name}.log`));
  }

  start(): void {
    if (this.#stopping) {
      return;
    }
    const startedAt = Date.now();
    // detached: Ctrl-C in a terminal must reach the launcher alone, which ends its children in order.
    const child = spawn(process.execPath, ["--import", lifeLine, this.#options.entry], {
      env: this.#options.env,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
    });
    this.#child = child;
    this.#exit = once(child, "exit").catch(() => undefined);
    for (const stream of [child.stdout, child.stderr]) {
      const lines = new LineReader((line) => {
        if (stream === child.stderr && line.trim() !== "") {
          this.#lastWords = [...this.#lastWords, line.trim()].slice(-lastWordLines);
        }
        this.#options.onLine(line);
      });
      stream?.on("data", (chunk: Buffer) => {
        this.#log.write(chunk);
        lines.push(chunk);
      });
    }
    child.on("message", (message) => {
      const report = reportSchema.safeParse(message);
      if (report.success) {
        if (report.data.type === "ready") {
          this.#readySince = Date.now();
        }
        this.emit("report", report.data);
      }
    });
    let ended = false;
    const onEnd = (reason: string): void => {
      if (!ended) {
        ended = true;
        this.#killGroup(child);
        this.#readySince = undefined;
        this.#onExit(reason, startedAt);
      }
    };
    child.on("error", (error) => onEnd(error.message));
    child.on("exit", (code, signal) => onEnd(signal === null ? `exit code ${code}` : `signal ${signal}`));
  }

  /** Asks the process to end; after `graceMs` it is killed. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) {
      this.#child = undefined;
      return;
    }
    child.kill("SIGTERM");
    const timer = new AbortController();
    await Promise.race([
      this.#exit,
      sleep(graceMs, undefined, { signal: timer.signal }).catch(() => undefined),
    ]);
    timer.abort();
    this.kill();
  }

  kill(): void {
    this.#stopping = true;
    if (this.#child) {
      this.#killGroup(this.#child);
      this.#child = undefined;
    }
  }

  /** Whether it was ready all the time since. */
  #readyFrom(time: number): boolean {
    return this.#readySince !== undefined && this.#readySince <= time;
  }

  #onExit(reason: string, startedAt: number): void {
    if (this.#stopping) {
      return;
    }
    if (Date.now() - startedAt >= quickDeathMs) {
      this.#quickDeaths = 0;
    }
    const { needs } = this.#options;
    if (needs && !needs.#readyFrom(startedAt)) {
      this.#startIn(awayDelayMs, `${reason} while ${needs.name} was away`);
      return;
    }
    this.#quickDeaths++;
    if (this.#quickDeaths >= maxQuickDeaths) {
      const words = this.#lastWords.join(" ").slice(0, lastWordLength);
      this.emit("gaveUp", { reason: words === "" ? reason : `${reason}, ${words}` });
      return;
    }
    this.#startIn(firstDelayMs * 2 ** (this.#quickDeaths - 1), reason);
  }

  #startIn(delayMs: number, reason: string): void {
    this.emit("restart", { reason, delayMs });
    setTimeout(() => this.start(), delayMs);
  }

  /** The process and those that it started (model processes, parsers). */
  #killGroup(child: ChildProcess): void {
    try {
      if (child.pid !== undefined) {
        process.kill(-child.pid, "SIGKILL");
      }
    } catch {
      child.kill("SIGKILL");
    }
  }
}
