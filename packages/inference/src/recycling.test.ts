import { expect, it } from "vitest";
import { isWorn } from "./recycling.ts";

const fresh = { calls: 10, loadedAt: 0, bytes: 100, loadedBytes: 100, maxRssBytes: 500 };
const limits = { recycleAfterRequests: 1000, recycleGrowthBytes: undefined, recycleMinLifeMs: 60_000 };
const later = 3_600_000;

it.each([
  ["does little and stays small", {}, {}, later, false],
  ["has done its requests", { calls: 1000 }, {}, 1, true],
  ["has grown near to its cap", { bytes: 401 }, {}, later, true],
  ["has grown, but not so much", { bytes: 399 }, {}, later, false],
  ["has grown more than it may", { bytes: 151 }, { recycleGrowthBytes: 50 }, later, true],
  ["has just been loaded", { bytes: 499 }, {}, 59_000, false],
])("judges a process that %s", (_, usage, more, now, worn) => {
  expect(isWorn({ ...fresh, ...usage }, { ...limits, ...more }, now)).toBe(worn);
});
