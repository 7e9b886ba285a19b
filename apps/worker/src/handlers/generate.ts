import type { ResponseFormat as ContractFormat, GenerateRequest } from "@genq/contract";
import type { ResponseFormat, SamplingSettings, TokenLogprob, TokenLogprobs } from "@genq/inference";
import { citationsOf } from "../retrieval/citations.ts";
import { buildPlainPrompt, buildRagPrompt } from "../retrieval/rag-prompt.ts";
import { retrievePassages, wantsPassages } from "../retrieval/retrieve-passages.ts";
import type { Handler } from "./handler.ts";
import { publishDeltas } from "./publish-deltas.ts";
import { reportTokens } from "./report-tokens.ts";
import { servedModel } from "./served-model.ts";
import { toStorable } from "./to-storable.ts";

const defaultNewTokens = 256;

export const generate: Handler<"generate"> = async (services, run, payload) => {
  const { inference } = services;
  const model = servedModel(services, payload.model, "generation");
  const maxNewTokens = payload.max_new_tokens ?? payload.max_length ?? defaultNewTokens;
  const grounded = wantsPassages(payload);
  const passages = grounded ? await retrievePassages(services, run, payload, model, maxNewTokens) : [];
  const messages =
    passages.length > 0
      ? buildRagPrompt({
          question: payload.text,
          passages: passages.map(({ text }) => text),
          system: payload.system,
        })
      : buildPlainPrompt(payload.text, payload.system);
  const progress = reportTokens(run, maxNewTokens);
  const stream = inference.generateStream({
    model: model.id,
    messages,
    maxNewTokens,
    cachePartition: run.userId,
    ...samplingOf(payload, grounded),
    stop: typeof payload.stop === "string" ? [payload.stop] : payload.stop,
    stopTokenIds: payload.stop_token_ids,
    responseFormat: formatOf(payload.response_format),
  });
  for await (const _ of publishDeltas(services, run, stream)) progress.count();
  const answer = await stream.result;
  await progress.settled();
  const text = toStorable(answer.text);
  return {
    result: {
      generated_text: text,
      finish_reason: answer.finishReason,
      confidence: answer.confidence,
      processing_time: Math.round(performance.now() - run.startedAt) / 1000,
      usage: {
        prompt_tokens: answer.promptTokens,
        completion_tokens: answer.completionTokens,
        truncated_tokens: answer.truncatedTokens,
      },
      logprobs: answer.logprobs && { content: answer.logprobs.map(logprobsOf) },
      model: answer.model,
      // What was cut may have lost its numbers.
      citations: citationsOf(
        text,
        passages,
        model.citesAlways && answer.finishReason === "stop" ? "none" : "all",
      ),
    },
  };
};

/** Free text is sampled as small chat models are best sampled; an answer from passages takes the likeliest words. */
function samplingOf(request: GenerateRequest, grounded: boolean): SamplingSettings {
  const { temperature, top_p: topP, top_k: topK } = request;
  const free = { temperature: 0.7, topP: topP ?? 0.8, topK: topK ?? 20 };
  return {
    ...(temperature !== undefined || grounded ? { temperature: temperature ?? 0, topP, topK } : free),
    minP: request.min_p,
    repetitionPenalty: request.repetition_penalty,
    presencePenalty: request.presence_penalty,
    frequencyPenalty: request.frequency_penalty,
    logitBias: request.logit_bias,
    seed: request.seed,
    logprobs: request.logprobs ? (request.top_logprobs ?? 0) : undefined,
  };
}

function formatOf(format: ContractFormat | undefined): ResponseFormat | undefined {
  if (format?.type === "json_schema") return { type: format.type, schema: format.json_schema.schema };
  return format?.type === "json_object" ? { type: format.type } : undefined;
}

function logprobsOf({ top, ...picked }: TokenLogprobs) {
  const tell = ({ token, logprob }: TokenLogprob) => ({ token: toStorable(token), logprob });
  return { ...tell(picked), top_logprobs: top.map(tell) };
}
