import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { StartError } from "./trouble.ts";

export interface Ports {
  readonly api: number;
  readonly supabase: number;
  readonly postgres: number;
}

export function portsFrom(port: number): Ports {
  return { api: port, supabase: port + 1, postgres: port + 2 };
}

/** Waits a moment for the ports: processes of a launcher that was just killed may still hold them. @throws {StartError} */
export async function checkPorts(ports: Ports, waitMs: number): Promise<void> {
  const names = { api: "the api", supabase: "Supabase", postgres: "Postgres" } as const;
  const deadline = Date.now() + waitMs;
  for (const name of ["api", "supabase", "postgres"] as const) {
    for (let state = await tryPort(ports[name]); state !== "free"; state = await tryPort(ports[name])) {
      if (state === "forbidden") {
        throw new StartError(
          `Port ${ports[name]} (for ${names[name]}) may not be used by this user: choose a higher one with --port N.`,
        );
      }
      if (Date.now() > deadline) {
        throw new StartError(
          `Port ${ports[name]} (for ${names[name]}) is taken: end what uses it, or choose others with --port N (genq uses N, N+1 and N+2).`,
        );
      }
      await sleep(100);
    }
  }
}

function tryPort(port: number): Promise<"free" | "taken" | "forbidden"> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) =>
      resolve("code" in error && error.code === "EACCES" ? "forbidden" : "taken"),
    );
    server.listen(port, "127.0.0.1", () => server.close(() => resolve("free")));
  });
}
