import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProcessInfo {
  pid: number;
  parent: number;
  /** Memory that is resident, in bytes. Pages that processes share count in each of them. */
  residentBytes: number;
  command: string;
  /** Ended, and not yet taken note of by its parent. */
  defunct: boolean;
}

/** All processes of this machine: from `/proc` on Linux, where `ps` may be missing, and from `ps` elsewhere. */
function listProcesses(): ProcessInfo[] {
  return process.platform === "linux" ? readProc() : askPs();
}

function readProc(): ProcessInfo[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const status = readFileSync(`/proc/${name}/status`, "utf8");
      const field = (key: string) => new RegExp(`^${key}:\\s+(\\S+)`, "m").exec(status)?.[1];
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      return [
        {
          pid: Number(name),
          parent: Number(field("PPid")),
          residentBytes: Number(field("VmRSS") ?? 0) * 1024,
          command,
          defunct: field("State") === "Z",
        },
      ];
    } catch {
      return []; // It ended in between.
    }
  });
}

function askPs(): ProcessInfo[] {
  const text = execFileSync("ps", ["-A", "-ww", "-o", "pid=,ppid=,rss=,stat=,args="], { encoding: "utf8" });
  return text.split("\n").flatMap((line) => {
    const found = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (found === null) return [];
    const [, pid, parent, kibibytes, state = "", command = ""] = found;
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        residentBytes: Number(kibibytes) * 1024,
        command,
        defunct: state.startsWith("Z"),
      },
    ];
  });
}

/** A process's children, their children, and so on. */
export function descendants(pid: number, all = listProcesses()): ProcessInfo[] {
  const children = all.filter((one) => one.parent === pid && one.pid !== pid);
  return children.flatMap((child) => [child, ...descendants(child.pid, all)]);
}

/** Which of these processes still run. */
function alive(processes: ProcessInfo[]): ProcessInfo[] {
  const now = new Map(listProcesses().map((one) => [one.pid, one]));
  // A number may have been given to another process since.
  return processes.filter(({ pid, command }) => {
    const found = now.get(pid);
    return found !== undefined && !found.defunct && found.command === command;
  });
}

/** Waits until all are gone; returns the milliseconds it took and who was left at the end. */
export async function untilGone(
  processes: ProcessInfo[],
  timeoutMs: number,
): Promise<{ ms: number; left: ProcessInfo[] }> {
  const begun = performance.now();
  let left = alive(processes);
  while (left.length > 0 && performance.now() - begun < timeoutMs) {
    await sleep(50);
    left = alive(left);
  }
  return { ms: Math.round(performance.now() - begun), left };
}
