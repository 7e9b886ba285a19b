import type { GenerateRequest, Passage } from "@genq/contract";
import { searchChunks } from "@genq/core/search";
import type { ModelRecord } from "@genq/inference";
import type { Services } from "../services.ts";
import { embedQuery } from "./embed-query.ts";
import { fitPassages } from "./fit-passages.ts";
import { buildRagPrompt } from "./rag-prompt.ts";
import { candidatesFor, rerankPassages } from "./rerank-passages.ts";

const defaultPassages = 5;
/** What the chat template and the passages' separators take of the context: the bundled model's marks each sentence. */
const templateShare = 1 / 16;

/** Whether the answer is to rest on the caller's files. */
export function wantsPassages(request: GenerateRequest): boolean {
  return request.file_ids !== undefined || (request.search !== undefined && request.search !== false);
}

/**
 * The passages nearest to the question, or best by a reranking model, that fit into the context of the model that is to answer, beside its answer, best first.
 * @throws AppError not_found or file_not_ready for one of `file_ids`
 */
export async function retrievePassages(
  { database, inference }: Services,
  run: { userId: string },
  request: GenerateRequest,
  model: ModelRecord,
  newTokens: number,
): Promise<Passage[]> {
  const search = typeof request.search === "object" ? request.search : {};
  const query = await embedQuery(inference, request.text);
  const wanted = search.k ?? defaultPassages;
  const candidates = await searchChunks(database, {
    userId: run.userId,
    model: query.model,
    vector: query.vector,
    k: candidatesFor(inference, wanted),
    fileIds: request.file_ids,
    minScore: search.min_score,
  });
  if (candidates.length === 0) return [];
  const passages = await rerankPassages(inference, request.text, candidates, wanted);
  const countTokens = (texts: string[]) => inference.countTokens(texts, { model: model.id });
  const context = model.maxTokens;
  const bare = buildRagPrompt({ question: request.text, passages: [], system: request.system });
  const used = (await countTokens(bare.map(({ content }) => content))).reduce((sum, count) => sum + count, 0);
  // An answer that would take all of the context leaves half of it to the passages.
  const answer = Math.min(newTokens, Math.floor(context / 2));
  const left = Math.floor(context * (1 - templateShare)) - answer - used;
  return fitPassages(passages, Math.max(32, left), countTokens);
}
