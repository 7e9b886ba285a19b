import { fork } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";

const lifeLine = new URL("./life-line.ts", import.meta.url).href;

test.for([
  [
    "that ends when it is asked to",
    "process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000)",
    7,
  ],
  ["that does not end", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)", "SIGKILL"],
] as const)(
  "a child %s goes when its channel closes, whatever its parent's number says",
  async ([, code, how]) => {
    const child = fork("", [], { execArgv: ["--import", lifeLine, "--eval", `${code}; process.send('up')`] });
    await once(child, "message");
    child.disconnect();
    const [exitCode, signal] = await once(child, "exit");
    expect(exitCode ?? signal).toBe(how);
  },
);
