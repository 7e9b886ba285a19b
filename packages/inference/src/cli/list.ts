import type { Context } from "./context.ts";
import { modelOnDisk } from "./model-on-disk.ts";
import { formatBytes, table } from "./screen.ts";

/** Every known model and what of it is here. */
export async function list({ known, cacheDir, screen }: Context): Promise<object> {
  const models = await Promise.all(
    known.map(async ({ record }) => {
      const { state, bytes, folder } = await modelOnDisk(record, cacheDir);
      const { id, task, dtype, revision, license = null, description } = record;
      return { id, task, dtype, revision, license, state, bytes, folder, description };
    }),
  );
  const rows = models.map(({ id, task, dtype, license, state, bytes }) => {
    return [id, task, dtype, license ?? "?", state, bytes > 0 ? formatBytes(bytes) : ""];
  });
  screen.say(table([["NAME", "TASK", "DTYPE", "LICENCE", "STATE", "ON DISK"], ...rows]));
  screen.say(`\nThe folder of the models is ${cacheDir}.`);
  return { models };
}
