import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Service } from "./service.ts";

const folder = await mkdtemp(join(tmpdir(), "genq-service-"));
const services: Service[] = [];
afterAll(async () => {
  for (const service of services) service.kill();
  await rm(folder, { recursive: true, force: true });
});

async function service(name: string, code: string, needs?: Service): Promise<Service> {
  const entry = join(folder, `${name}.mjs`);
  await writeFile(entry, code);
  const made = new Service({ name, entry, env: {}, logFolder: folder, onLine: () => undefined, needs });
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
