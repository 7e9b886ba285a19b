import { randomUUID } from "node:crypto";
import { afterAll, expect, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import {
  closeDatabase,
  deleteFile,
  insertFile,
  inUserTransaction,
  openDatabase,
  updateFileProgress,
  upsertChunks,
} from "../db/index.ts";
import { searchChunks } from "./index.ts";

const stack = await openTestStack();
const database = openDatabase({ url: stack.databaseUrl, role: "genq_worker", max: 4, prepare: true });
afterAll(() => closeDatabase(database));

/** A unit vector in the plane of the first two dimensions. */
function direction(degrees: number, dimensions = 8): Float32Array {
  const radians = (degrees * Math.PI) / 180;
  const vector = new Float32Array(dimensions);
  vector.set([Math.cos(radians), Math.sin(radians)]);
  return vector;
}

async function fileOf(
  userId: string,
  degrees: number[],
  options: { model?: string; status?: "ready" | "embedding" } = {},
) {
  const id = randomUUID();
  await inUserTransaction(database, userId, async (sql) => {
    await insertFile(sql, {
      id,
      userId,
      chatId: null,
      name: `${id}.txt`,
      mediaType: "text/plain",
      sizeBytes: 1,
      sha256: id.replaceAll("-", "").repeat(2),
      storageKey: id,
      replaces: null,
    });
    const chunks = degrees.map((degree, ordinal) => ({
      ordinal,
      pageStart: ordinal + 1,
      pageEnd: ordinal + 1,
      charStart: 0,
      charEnd: 1,
      tokenCount: 1,
      text: `${degree}°`,
      vector: direction(degree),
    }));
    const owner = { userId, fileId: id, model: options.model ?? "m" };
    await upsertChunks(sql, owner, chunks);
    await upsertChunks(sql, owner, chunks);
    await updateFileProgress(sql, userId, id, { status: options.status ?? "ready" });
  });
  return id;
}

it("is exact: k of the caller's own, best first, whatever else is there", async () => {
  const [user, other] = [await stack.createUser(), await stack.createUser()];
  await fileOf(
    other,
    Array.from({ length: 200 }, () => 0),
  );
  const mine = await fileOf(user, [80, 10, 40, 20]);
  await fileOf(user, [1, 2, 3], { model: "another" });
  await fileOf(user, [1, 2, 3], { status: "embedding" });
  const found = await searchChunks(database, { userId: user, model: "m", vector: direction(0), k: 3 });
  expect(found.map((passage) => passage.text)).toEqual(["10°", "20°", "40°"]);
  expect(found.map((passage) => passage.page)).toEqual([2, 4, 3]);
  expect(found[0]?.score).toBeCloseTo(Math.cos(Math.PI / 18), 5);
  expect(found.every((passage) => passage.file_id === mine)).toBe(true);
});

it("filters by file and by score", async () => {
  const user = await stack.createUser();
  await fileOf(user, [0, 1, 2]);
  const wanted = await fileOf(user, [50, 70, 90]);
  const query = { userId: user, model: "m", vector: direction(0), k: 3 };
  const inFile = await searchChunks(database, { ...query, fileIds: [wanted] });
  expect(inFile.map((passage) => passage.text)).toEqual(["50°", "70°", "90°"]);
  const good = await searchChunks(database, { ...query, minScore: 0.3 });
  expect(good.every((passage) => passage.score >= 0.3)).toBe(true);
  const none = await searchChunks(database, { ...query, fileIds: [wanted], minScore: 0.9 });
  expect(none).toEqual([]);
});

it("knows no file of another user, and none that is not ready or was deleted", async () => {
  const [user, other] = [await stack.createUser(), await stack.createUser()];
  const foreign = await fileOf(other, [0]);
  const early = await fileOf(user, [0], { status: "embedding" });
  const gone = await fileOf(user, [0]);
  await inUserTransaction(database, user, (sql) => deleteFile(sql, user, gone));
  const search = (fileId: string) =>
    searchChunks(database, { userId: user, model: "m", vector: direction(0), k: 3, fileIds: [fileId] });
  await expect(search(foreign)).rejects.toMatchObject({ code: "not_found" });
  await expect(search(gone)).rejects.toMatchObject({ code: "not_found" });
  await expect(search(early)).rejects.toMatchObject({ code: "file_not_ready" });
  expect(await searchChunks(database, { userId: user, model: "m", vector: direction(0), k: 3 })).toEqual([]);
});
