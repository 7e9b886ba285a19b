import { searchChunks } from "@genq/core/search";
import { embedQuery } from "../retrieval/embed-query.ts";
import type { Handler } from "./handler.ts";

export const search: Handler<"search"> = async ({ database, inference }, run, payload) => {
  const query = await embedQuery(inference, payload.query);
  const results = await searchChunks(database, {
    userId: run.userId,
    model: query.model,
    vector: query.vector,
    k: payload.k,
    fileIds: payload.file_ids,
    minScore: payload.min_score,
  });
  return { result: { model: query.model, results } };
};
