import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import type { DownloadProgress } from "../types.ts";
import { createDownloadMeter } from "./download-meter.ts";

it("tells the last bytes before a standstill, and nothing once it is disposed", async () => {
  const told: DownloadProgress[] = [];
  {
    using meter = createDownloadMeter(100, (progress) => told.push(progress));
    meter.update("weights", 0);
    await sleep(20);
    meter.update("weights", 40);
    meter.update("weights", 60);
    await expect.poll(() => told.at(-1)).toMatchObject({ loadedBytes: 60, totalBytes: 100 });
    expect(told.length).toBeLessThanOrEqual(2);
    meter.update("weights", 80);
  }
  await sleep(300);
  expect(told.at(-1)).toMatchObject({ loadedBytes: 60 });
});
