import type { Passage } from "@genq/contract";
import { type Database, inUserTransaction, type NearestQuery, selectNearestChunks } from "../db/index.ts";
import { assertSearchable } from "../files/manage-files.ts";

/**
 * The k passages of a user's files that are nearest to a query vector, best first: exactly k when k exist.
 * @throws AppError not_found or file_not_ready for one of `fileIds`
 */
export function searchChunks(database: Database, query: NearestQuery): Promise<Passage[]> {
  return inUserTransaction(database, query.userId, async (sql) => {
    if (query.fileIds !== undefined) await assertSearchable(sql, query.userId, query.fileIds);
    return selectNearestChunks(sql, query);
  });
}
