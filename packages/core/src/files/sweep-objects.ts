import { dropObjectDeletions, inServiceTransaction, takeObjectDeletions } from "../db/index.ts";
import type { FileServices } from "./accept-upload.ts";

/** Deletes objects that no file needs any more. Returns how many; any number of sweepers may run. */
export async function sweepObjects(
  services: Pick<FileServices, "database" | "storage">,
  limit = 100,
): Promise<number> {
  const keys = await inServiceTransaction(services.database, (sql) => takeObjectDeletions(sql, limit));
  if (keys.length === 0) return 0;
  await services.storage.remove(keys);
  await inServiceTransaction(services.database, (sql) => dropObjectDeletions(sql, keys));
  return keys.length;
}
