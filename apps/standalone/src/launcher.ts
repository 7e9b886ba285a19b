import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { checkSpace, openDataFolder } from "./data-folder.ts";
import type { launcherEnv } from "./env.ts";
import type { Flags } from "./flags.ts";
import { loadKeys } from "./keys.ts";
import { chooseModels, hubTrouble, rememberModels } from "./models.ts";
import {
  appEnvironment,
  entries,
  migrateEnvironment,
  postgresEnvironment,
  type Setting,
  supabaseEnvironment,
  urlsOf,
} from "./plan.ts";
import { checkPorts, portsFrom } from "./ports.ts";
import { LogFile } from "./process/log-file.ts";
import { lifeLine, Service } from "./process/service.ts";
import type { Screen } from "./screen.ts";
import { readyJson, readyText, waitingText } from "./text.ts";
import { StartError } from "./trouble.ts";

const portWaitMs = 4000;
const slowStartMs = 10_000;
/** Together less than the 5 s within which everything has to end. */
const graceMs = { apps: 3300, supabase: 500, postgres: 900 };

type ServiceName = "postgres" | "supabase" | "api" | "worker";

/** Starts everything and keeps it running. */
export class Launcher {
  readonly #flags: Flags;
  readonly #env: ReturnType<typeof launcherEnv>;
  readonly #screen: Screen;
  readonly #services: Record<ServiceName, Service | undefined> = {
    postgres: undefined,
    supabase: undefined,
    api: undefined,
    worker: undefined,
  };
  readonly #startedAt = performance.now();
  #stopped: Promise<void> | undefined;
  /** Rejects when a child can't be kept alive. */
  readonly #broken = Promise.withResolvers<never>();

  constructor(flags: Flags, env: ReturnType<typeof launcherEnv>, screen: Screen) {
    this.#flags = flags;
    this.#env = env;
    this.#screen = screen;
    this.#broken.promise.catch(() => undefined);
  }

  /** Rejects with the reason when something ended for good. */
  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  /** Resolves when everything answers. @throws {StartError} */
  async start(): Promise<void> {
    const data = await openDataFolder(this.#flags.data);
    const ports = portsFrom(this.#flags.port);
    await checkPorts(ports, portWaitMs);
    const setting: Setting = {
      ports,
      dataFolder: data.path,
      keys: loadKeys(data.path),
      inherited: this.#env.inherited,
    };
    if (data.isNew) {
      this.#screen.say(`first start: making a database in ${data.path}`);
    }
    const { EMBEDDING_MODEL: embedding, GENERATION_MODEL: generation } = this.#env.inherited;
    const models = chooseModels(this.#flags.models, this.#env.hubEndpoint, { embedding, generation });

    // Supabase waits for Postgres by itself; starting it now hides the time that its modules take to load.
    const postgres = this.#service("postgres", entries.postgres, postgresEnvironment(setting), data.path);
    const supabase = this.#service("supabase", entries.supabase, supabaseEnvironment(setting), data.path);
    const postgresReady = this.#reported(postgres);
    const supabaseReady = this.#reported(supabase);
    supabaseReady.catch(() => undefined);
    postgres.start();
    supabase.start();
    await postgresReady;
    this.#step("Postgres");
    await supabaseReady;
    this.#step("Supabase");
    await this.#migrate(setting);
    this.#step("database schema");

    const choice = await models;
    const modelNotes = [...choice.notes, rememberModels(data.path, choice)].filter(
      (note) => note !== undefined,
    );
    const environment = appEnvironment(setting, choice);
    this.#service("worker", entries.worker, environment, data.path).start();
    this.#service("api", entries.api, environment, data.path).start();
    const urls = urlsOf(setting);
    await Promise.race([this.#answers(`${urls.api}/ready`, choice.embedding), this.broken]);
    const facts = {
      apiUrl: urls.api,
      supabaseUrl: urls.supabase,
      publishableKey: setting.keys.publishable_key,
      embedding: choice.embedding,
      generation: choice.generation,
      modelNotes,
      dataFolder: data.path,
      seconds: (performance.now() - this.#startedAt) / 1000,
    };
    process.stdout.write(this.#flags.json ? readyJson(facts) : readyText(facts));
  }

  /** Ends all processes in order, within 5 s. */
  stop(): Promise<void> {
    this.#stopped ??= (async () => {
      const { api, worker, supabase, postgres } = this.#services;
      await Promise.all([api?.stop(graceMs.apps), worker?.stop(graceMs.apps)]);
      await supabase?.stop(graceMs.supabase);
      await postgres?.stop(graceMs.postgres);
    })();
    return this.#stopped;
  }

  kill(): void {
    for (const service of Object.values(this.#services)) {
      service?.kill();
    }
  }

  #service(name: ServiceName, entry: string, env: NodeJS.ProcessEnv, dataFolder: string): Service {
    const logFolder = join(dataFolder, "logs");
    const onLine = (line: string): void => this.#screen.childLine(name, line);
    const service = new Service({ name, entry, env, logFolder, onLine, needs: this.#services.postgres });
    service.on("restart", ({ reason, delayMs }) => {
      this.#screen.warn(
        `${name} ended (${reason}): starting it again in ${delayMs} ms; its log is ${join(logFolder, `${name}.log`)}`,
      );
    });
    service.on("gaveUp", ({ reason }) => {
      const log = join(logFolder, `${name}.log`);
      try {
        checkSpace(dataFolder);
      } catch (error) {
        this.#broken.reject(error);
      }
      this.#broken.reject(
        new StartError(`The ${name} process ended again and again (${reason}): ${log} says why.`),
      );
    });
    this.#services[name] = service;
    return service;
  }

  async #reported(service: Service): Promise<void> {
    const report = new Promise<void>((resolve, reject) => {
      service.on("report", (message) => {
        if (message.type === "ready") {
          resolve();
        } else {
          reject(new StartError(failureText(service.name, message.code, message.detail)));
        }
      });
    });
    await Promise.race([report, this.broken]);
  }

  async #migrate(setting: Setting): Promise<void> {
    const log = join(setting.dataFolder, "logs", "migrate.log");
    const file = new LogFile(log);
    const child = spawn(process.execPath, ["--import", lifeLine, entries.migrate], {
      env: migrateEnvironment(setting),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => file.write(chunk));
    }
    const [code] = await once(child, "exit");
    if (code !== 0) {
      throw new StartError(`The database could not be brought up to date: ${log} says why.`);
    }
  }

  /** Polls until the address answers 200; says now and then what is missing. */
  async #answers(url: string, model: string): Promise<void> {
    let hubChecked = this.#flags.models !== "hub";
    for (let lastSaid = Date.now(); ; await sleep(100)) {
      let state = "no answer yet";
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
        if (response.ok) {
          await response.body?.cancel();
          return;
        }
        state = waitingText(await response.text());
      } catch {
        // Not listening yet.
      }
      if (Date.now() - lastSaid >= slowStartMs) {
        lastSaid = Date.now();
        this.#screen.say(`waiting for the api: ${state}`);
        if (!hubChecked) {
          hubChecked = true;
          const trouble = await hubTrouble(this.#env.hubEndpoint, model);
          if (trouble !== undefined) {
            this.#screen.warn(
              `The model hub can't be reached (${trouble}). Trying again; --models mini needs no network.`,
            );
          }
        }
      }
    }
  }

  #step(name: string): void {
    this.#screen.say(`${name} ready (${((performance.now() - this.#startedAt) / 1000).toFixed(1)} s)`);
  }
}

function failureText(name: string, code: string, detail: string): string {
  switch (code) {
    case "data_in_use":
      return "The database in the data folder is still in use by another process: end it, or use another folder with --data DIR.";
    case "port_taken":
      return `The port of ${name} was taken while genq started (${detail}): choose others with --port N.`;
    case "disk_full":
      return "The disk of the data folder is full: make room, or use another disk with --data DIR.";
    default:
      return `${name} can't start: ${detail}`;
  }
}
