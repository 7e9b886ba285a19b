import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { Service } from "./service.ts";

const folder = await mkdtemp(join(tmpdir(), "genq-service-"));
const services: Service[] = [];
afterAll(async () => {
  for (const service of services) service.kill();
  await rm(folder, { recursive: true, force: true });
});

async function service(
  name: string,
  code: string,
  needs?: Service,
  onLine: () => void = () => undefined,
): Promise<Service> {
  const entry = join(folder, `${name}.mjs`);
  await writeFile(entry, code);
  const made = new Service({ name, entry, env: {}, logFolder: folder, onLine, needs });
  services.push(made);
  return made;
}

test("deaths count only while what the service needs is ready: then it is given up", async () => {
  const neighbour = await service(
    "neighbour",
    `process.send({ type: "ready" }); setInterval(() => {}, 1e6);`,
  );
  const dying = await service("dying", "process.exit(7);", neighbour);
  let restarts = 0;
  let gaveUp = "";
  dying
    .on("restart", () => restarts++)
    .on("gaveUp", ({ reason }) => {
      gaveUp = reason;
    });
  dying.start();
  await expect.poll(() => restarts, { timeout: 30_000 }).toBeGreaterThanOrEqual(6);
  expect(gaveUp).toBe("");

  neighbour.start();
  await once(neighbour, "report");
  await expect.poll(() => gaveUp, { timeout: 30_000 }).toBe("exit code 7");
}, 60_000);

test("a long life forgives the quick deaths before, though it ends while what it needs is away", async () => {
  const here = join(folder, "here");
  await writeFile(here, "");
  const neighbour = await service(
    "comes-and-goes",
    `import { existsSync } from "node:fs";
    let told = false;
    setInterval(() => {
      const here = existsSync(${JSON.stringify(here)});
      if (here && !told) process.send({ type: "ready" });
      if (!here && told) process.exit(1);
      told = here;
    }, 10);`,
  );
  const lives = `console.log("up"); setTimeout(() => process.exit(7), 500);`;
  const delays: number[] = [];
  let gaveUp = false;
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const dying = await service("lives-long-once", lives, neighbour, () => {
      if (delays.length === 4) vi.advanceTimersByTime(30_000);
    });
    dying
      .on("restart", ({ delayMs }) => {
        delays.push(delayMs);
        if (delays.length === 5) void writeFile(here, "");
      })
      .on("gaveUp", () => {
        gaveUp = true;
      });
    neighbour.start();
    await once(neighbour, "report");
    dying.start();
    await expect.poll(() => delays.length, { timeout: 30_000 }).toBe(4);
    await rm(here);
    await expect.poll(() => gaveUp || delays.at(-1) === 250, { timeout: 30_000 }).toBe(true);
  } finally {
    vi.useRealTimers();
  }
  expect(gaveUp).toBe(false);
  expect(delays.slice(0, 5)).toEqual([250, 500, 1000, 2000, 500]);
}, 90_000);
