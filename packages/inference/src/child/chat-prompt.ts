import { randomUUID } from "node:crypto";
import type { PreTrainedTokenizer } from "@huggingface/transformers";
import { InferenceError } from "../inference-error.ts";
import type { ChatMessage } from "../types.ts";
import type { TextEncoder } from "./encode-text.ts";

export interface Prompt {
  ids: number[];
  /** Tokens of the messages that did not fit. */
  truncatedTokens: number;
}

interface EncodedMessage {
  role: ChatMessage["role"];
  ids: number[];
}

/**
 * Makes the prompt's ids. Control tokens come from the chat template only: a message that spells one is text.
 *
 * A prompt over the budget loses, in this order: whole messages after the system's, oldest first, up to the last one;
 * the beginning of the last message, which keeps at least half of the budget; the end of the system's messages.
 */
export async function buildPrompt(
  tokenizer: PreTrainedTokenizer,
  encoder: TextEncoder,
  messages: readonly ChatMessage[],
  budget: number,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<Prompt> {
  const encoded: EncodedMessage[] = [];
  for (const { role, content } of messages) encoded.push({ role, ids: await encoder.encode(content) });
  const wanted = countIds(encoded);

  let kept = encoded;
  let ids = render(tokenizer, encoder, kept, variables);
  while (ids.length > budget && oldestTurn(kept) >= 0) {
    kept = kept.toSpliced(oldestTurn(kept), 1);
    ids = render(tokenizer, encoder, kept, variables);
  }
  if (ids.length > budget) {
    kept = trim(kept, budget - (ids.length - countIds(kept)), budget);
    ids = render(tokenizer, encoder, kept, variables);
  }
  return {
    ids: ids.slice(-budget),
    truncatedTokens: wanted - countIds(kept) + Math.max(0, ids.length - budget),
  };
}

/** Where the oldest message is that is neither a system message nor the last; -1 when there is none. */
function oldestTurn(messages: readonly EncodedMessage[]): number {
  return messages.findIndex(({ role }, index) => role !== "system" && index < messages.length - 1);
}

/** Cuts the system messages and the last message to fit `room` tokens together. */
function trim(messages: readonly EncodedMessage[], room: number, budget: number): EncodedMessage[] {
  const last = messages.at(-1);
  if (!last) return [];
  const leastForLast = Math.min(last.ids.length, Math.floor(budget / 2), Math.max(0, room));
  let systemRoom = Math.max(0, room - leastForLast);
  const others = messages.slice(0, -1).map((message) => {
    const ids = message.ids.slice(0, systemRoom);
    systemRoom -= ids.length;
    return { ...message, ids };
  });
  const lastRoom = Math.max(0, room - countIds(others));
  return [...others, { ...last, ids: last.ids.slice(Math.max(0, last.ids.length - lastRoom)) }];
}

const countIds = (messages: readonly EncodedMessage[]) =>
  messages.reduce((sum, { ids }) => sum + ids.length, 0);

/** Renders the chat template around the messages' ids; without a template, the messages stand one after the other. */
function render(
  tokenizer: PreTrainedTokenizer,
  encoder: TextEncoder,
  messages: readonly EncodedMessage[],
  variables: Readonly<Record<string, unknown>>,
): number[] {
  if (!tokenizer.chat_template) {
    const blank = tokenizer.encode("\n\n", { add_special_tokens: false });
    return [
      ...encoder.before,
      ...messages.flatMap(({ ids }, index) => (index > 0 ? [...blank, ...ids] : ids)),
    ];
  }
  // The template sees a name in place of each text, and the ids are put in where the name comes out.
  const nonce = randomUUID();
  const names = messages.map((_, index) => `${nonce}.${index};`);
  const named = messages.map(({ role }, index) => ({ role, content: names[index] ?? "" }));
  const template = applyTemplate(tokenizer, named, variables);
  return template.split(new RegExp(`(${nonce}\\.\\d+;)`)).flatMap((part) => {
    const index = names.indexOf(part);
    if (index >= 0) return messages[index]?.ids ?? [];
    return part ? tokenizer.encode(part, { add_special_tokens: false }) : [];
  });
}

function applyTemplate(
  tokenizer: PreTrainedTokenizer,
  messages: ChatMessage[],
  variables: Readonly<Record<string, unknown>>,
): string {
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
    if (first?.role === "system" && second?.role === "user") {
      return apply([{ role: "user", content: `${first.content}\n\n${second.content}` }, ...rest]);
    }
    throw templateRefused(error);
  }
}

const templateRefused = (cause: unknown) =>
  new InferenceError("invalid_input", "The model's chat template does not take these messages.", { cause });
