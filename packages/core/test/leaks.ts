import { readFileSync } from "node:fs";
import { afterAll } from "vitest";

/** What a test may leave open in its process: connections, servers and child processes. */
const watched = new Set(["ProcessWrap", "TCPServerWrap", "TCPSocketWrap", "TLSWrap", "UDPWRAP"]);

export interface OpenResources {
  readonly counts: ReadonlyMap<string, number>;
  readonly children: ReadonlySet<number>;
}

/** What is open in this process now. */
export function openResources(): OpenResources {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) {
    if (watched.has(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return { counts, children: childProcesses() };
}

/**
 * Waits up to three seconds until no more is open than before. Child processes that are left are killed.
 * @throws Error that names what is left
 */
export async function expectNoLeaks(before: OpenResources): Promise<void> {
  let left = leaked(before);
  for (let waited = 0; left.length > 0 && waited < 3000; waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    left = leaked(before);
  }
  for (const pid of leakedChildren(before)) process.kill(pid, "SIGKILL");
  if (left.length > 0) throw new Error(`This test file leaked: ${left.join(", ")}.`);
}

function leaked(before: OpenResources): string[] {
  const now = openResources();
  const types = [...now.counts].filter(([type, count]) => count > (before.counts.get(type) ?? 0));
  return [
    ...types.map(([type, count]) => `${count - (before.counts.get(type) ?? 0)} ${type}`),
    ...leakedChildren(before).map((pid) => `child process ${pid} (${commandLine(pid)})`),
  ];
}

function leakedChildren(before: OpenResources): number[] {
  return [...childProcesses()].filter((pid) => !before.children.has(pid));
}

/** Also those that were let go by `unref`, where the system tells them (Linux). */
function childProcesses(): Set<number> {
  try {
    const list = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8");
    return new Set(
      list
        .split(" ")
        .map(Number)
        .filter((pid) => pid > 0),
    );
  } catch {
    return new Set();
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "gone";
  }
}

// As a setup file this stands before each test file's own hooks, so its afterAll is the last to run.
const atStart = openResources();
afterAll(() => expectNoLeaks(atStart));
