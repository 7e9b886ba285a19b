import type { PreTrainedTokenizer } from "@huggingface/transformers";
import { InferenceError } from "../inference-error.ts";
import type { ChatMessage } from "../types.ts";
import type { TextEncoder } from "./encode-text.ts";

export interface Prompt {
  ids: number[];
  /** Tokens of the messages that did not fit. */
  truncatedTokens: number;
}

export interface PromptContext {
  tokenizer: PreTrainedTokenizer;
  encoder: TextEncoder;
  /** Variables for the chat template. */
  variables: Readonly<Record<string, unknown>>;
}

interface CountedMessage extends ChatMessage {
  tokens: number;
}

/** Stands where the middle of a message was left out. */
const ellipsis = " … ";
const maxRounds = 32;

/**
 * Makes the prompt's ids. Control tokens come from the chat template only: a message that spells one is text.
 *
 * A prompt over the budget loses, in this order: whole messages that are neither the system's nor the last, oldest
 * first; the middle of the last message (its beginning and its end say most), down to half of the budget; the middle
 * of the system's messages.
 */
export async function buildPrompt(
  context: PromptContext,
  messages: readonly ChatMessage[],
  budget: number,
): Promise<Prompt> {
  let kept: CountedMessage[] = [];
  for (const message of messages) kept.push(await count(context, message));
  const wanted = countAll(kept);
  while (countAll(kept) > budget) {
    const smaller = await shrink(context, kept, countAll(kept) - budget, budget);
    if (!smaller) break;
    kept = smaller;
  }
  let ids = await render(context, kept);
  for (let round = 0; ids.length > budget && round < maxRounds; round += 1) {
    const smaller = await shrink(context, kept, ids.length - budget, budget);
    if (!smaller) break;
    kept = smaller;
    ids = await render(context, kept);
  }
  return { ids: ids.slice(-budget), truncatedTokens: Math.max(0, wanted - countAll(kept)) };
}

const countAll = (messages: readonly CountedMessage[]) =>
  messages.reduce((sum, { tokens }) => sum + tokens, 0);

async function count({ encoder }: PromptContext, { role, content }: ChatMessage): Promise<CountedMessage> {
  return { role, content, tokens: (await encoder.encode(content)).length };
}

/** Leaves out what is to go first, about `excess` tokens of it; undefined when nothing is left to leave out. */
async function shrink(
  context: PromptContext,
  messages: readonly CountedMessage[],
  excess: number,
  budget: number,
): Promise<CountedMessage[] | undefined> {
  const turn = messages.findIndex(({ role }, index) => role !== "system" && index < messages.length - 1);
  if (turn >= 0) return messages.toSpliced(turn, 1);
  const last = messages.length - 1;
  const longest = messages.reduce(
    (best, { tokens }, index) => (tokens > (messages[best]?.tokens ?? 0) ? index : best),
    last,
  );
  const index = (messages[last]?.tokens ?? 0) > budget / 2 ? last : longest;
  const message = messages[index];
  if (!message?.content) return undefined;
  const smaller = await count(context, { ...message, content: withoutMiddle(message, excess) });
  return messages.with(index, smaller);
}

/** The text without about so many tokens in its middle. */
function withoutMiddle({ content, tokens }: CountedMessage, excess: number): string {
  const share = Math.max(0, tokens - excess - ellipsis.length) / Math.max(1, tokens);
  const keep = Math.floor((content.length * share) / 2);
  // Always shorter than before, so that rounds of cutting come to an end.
  if (keep < 1 || 2 * keep + ellipsis.length >= content.length) return "";
  return content.slice(0, keep) + ellipsis + content.slice(-keep);
}

/** Renders the chat template; without one, the messages stand one after the other. */
function render(context: PromptContext, messages: readonly ChatMessage[]): Promise<number[]> {
  const { tokenizer, encoder } = context;
  const safe = messages.map(({ role, content }) => ({ role, content: encoder.protect(content) }));
  if (tokenizer.chat_template) return encoder.encodeProtected(applyTemplate(context, safe));
  const start = tokenizer.bos_token && encoder.before.length > 0 ? tokenizer.bos_token : "";
  return encoder.encodeProtected(start + safe.map(({ content }) => content).join("\n\n"));
}

function applyTemplate({ tokenizer, variables }: PromptContext, messages: ChatMessage[]): string {
  const apply = (chat: ChatMessage[]) => {
    return tokenizer.apply_chat_template(chat, {
      ...variables,
      tokenize: false,
      add_generation_prompt: true,
    });
  };
  try {
    return apply(messages);
  } catch (error) {
    // Some templates take no system message: it then leads the first user message.
    const [first, second, ...rest] = messages;
    if (first?.role !== "system" || second?.role !== "user") throw templateRefused(error);
    return apply([{ role: "user", content: `${first.content}\n\n${second.content}` }, ...rest]);
  }
}

const templateRefused = (cause: unknown) =>
  new InferenceError("invalid_input", "The model's chat template does not take these messages.", { cause });
