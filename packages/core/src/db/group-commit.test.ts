import { AppError } from "@genq/contract";
import { expect, test } from "vitest";
import { groupCommit } from "./group-commit.ts";

function held() {
  const groups: { items: number[]; end: PromiseWithResolvers<void> }[] = [];
  const commit = async (items: number[]) => {
    const end = Promise.withResolvers<void>();
    groups.push({ items, end });
    await end.promise;
    return items.map((item) => item * 10);
  };
  return { groups, add: groupCommit(commit, { most: 3, lanes: 1 }) };
}

test("who comes alone does not wait; who comes meanwhile goes together, no more than may", async () => {
  const { groups, add } = held();
  const first = add(1);
  await expect.poll(() => groups.length, { interval: 1 }).toBe(1);
  const rest = [2, 3, 4, 5].map(add);
  groups[0]?.end.resolve();
  expect(await first).toBe(10);
  await expect.poll(() => groups.length, { interval: 1 }).toBe(2);
  groups[1]?.end.resolve();
  await expect.poll(() => groups.length, { interval: 1 }).toBe(3);
  groups[2]?.end.resolve();
  expect(await Promise.all(rest)).toEqual([20, 30, 40, 50]);
  expect(groups.map(({ items }) => items)).toEqual([[1], [2, 3, 4], [5]]);
});

test("an error fails its group alone, and a database that is away those who wait behind it too", async () => {
  const { groups, add } = held();
  const failing = add(1).catch((error: unknown) => error);
  await expect.poll(() => groups.length, { interval: 1 }).toBe(1);
  const next = add(2);
  groups[0]?.end.reject(new Error("wrong"));
  expect(await failing).toMatchObject({ message: "wrong" });
  await expect.poll(() => groups.length, { interval: 1 }).toBe(2);
  const behind = add(3).catch((error: unknown) => error);
  const away = next.catch((error: unknown) => error);
  groups[1]?.end.reject(new AppError("database_unavailable", "Away."));
  expect(await away).toMatchObject({ code: "database_unavailable" });
  expect(await behind).toMatchObject({ code: "database_unavailable" });
  expect(groups).toHaveLength(2);
  const after = add(4);
  await expect.poll(() => groups.length, { interval: 1 }).toBe(3);
  groups[2]?.end.resolve();
  expect(await after).toBe(40);
});
