import type { PreTrainedTokenizer } from "@huggingface/transformers";
import { InferenceError } from "../../inference-error.ts";
import type { ResponseFormat } from "../../types.ts";
import { compileSchema } from "./compile-schema.ts";
import { createExpressions, type Expression, TooComplexError } from "./expression.ts";
import { createJsonText } from "./json-text.ts";
import { schemaError } from "./schema.ts";
import { createTokenMasks, type TokenMask } from "./token-mask.ts";
import { readVocabulary, type Vocabulary } from "./vocabulary.ts";

/** Keeps one answer to its format, token by token. */
interface FormatGuard {
  /**
   * The tokens that may come next. An answer that keeps to them is whole when its tokens are used up.
   * @param left tokens that may come, the next one included
   */
  allowed(left: number): TokenMask;
  /** @returns true when the answer is whole and nothing may follow */
  accept(token: number): boolean;
}

export interface StructuredOutput {
  /** @throws InferenceError `invalid_input` for a schema that is wrong, too large or not supported, or needs more tokens */
  begin(format: ResponseFormat, mostTokens: number): FormatGuard;
}

/** What one step may make of a schema, and how many schemas of the last requests are kept. */
const mostExpressions = 50_000;
const keptGrammars = 8;
/** A grammar that has grown so large forgets what it does not need: each place in a bounded list is another. */
const keptExpressions = 20_000;
const mostSchemaCharacters = 65_536;

interface Grammar {
  start: Expression;
  expressions: ReturnType<typeof createExpressions>;
  masks: ReturnType<typeof createTokenMasks>;
}

/**
 * Structured output of one model. Not a library's: web-xgrammar 0.1.27 leaves out what it does not know (`not`,
 * `multipleOf`, `uniqueItems`), aborts on wrong schemas, and can't end a document within a number of tokens.
 */
export function createStructuredOutput(
  tokenizer: PreTrainedTokenizer,
  endIds: ReadonlySet<number>,
): StructuredOutput {
  let vocabulary: Vocabulary | undefined;
  let bytesOf: Map<number, Uint8Array> | undefined;
  const grammars = new Map<string, Grammar>();

  function knownVocabulary(): Vocabulary {
    vocabulary ??= readVocabulary(tokenizer);
    if (vocabulary) return vocabulary;
    throw new InferenceError(
      "invalid_input",
      "responseFormat: this model can't write JSON, for its vocabulary lacks some of its characters.",
    );
  }

  function grammarOf(format: ResponseFormat): Grammar {
    const key = JSON.stringify(format.type === "json_schema" ? format.schema : format.type);
    if (key.length > mostSchemaCharacters)
      throw schemaError("", `must have at most ${mostSchemaCharacters} characters.`);
    const grammar = grammars.get(key) ?? makeGrammar(format);
    // The least recently used is forgotten first.
    grammars.delete(key);
    grammars.set(key, grammar);
    const [oldest] = grammars.keys();
    if (grammars.size > keptGrammars && oldest !== undefined) grammars.delete(oldest);
    return grammar;
  }

  function makeGrammar(format: ResponseFormat): Grammar {
    const expressions = createExpressions(mostExpressions);
    const json = createJsonText(expressions);
    const start =
      format.type === "json_schema" ? compileSchema(expressions, format.schema) : json.object(json.any());
    expressions.settle();
    if (expressions.leastBytes(start) === Number.POSITIVE_INFINITY)
      throw schemaError("", "no value matches it.");
    return { start, expressions, masks: createTokenMasks(expressions, knownVocabulary(), endIds) };
  }

  function begin(format: ResponseFormat, mostTokens: number): FormatGuard {
    const { ids, bytes } = knownVocabulary();
    bytesOf ??= new Map(ids.map((id, index) => [id, bytes[index] ?? new Uint8Array()]));
    const { start, expressions, masks } = bounded(() => grammarOf(format));
    const needed = expressions.leastBytes(start);
    if (needed > mostTokens)
      throw schemaError("", `the shortest answer may need ${needed} tokens, and ${mostTokens} may be made.`);
    let place = start;
    return {
      allowed: (left) => bounded(() => masks.maskAt(place, left - 1)),
      accept: (token) =>
        bounded(() => {
          for (const byte of bytesOf?.get(token) ?? []) place = expressions.afterByte(place, byte);
          if (expressions.size() > keptExpressions) {
            expressions.forget(start, place);
            masks.forget();
          }
          return place === expressions.empty;
        }),
    };
  }

  return { begin };
}

/** A schema whose parts multiply, or that is too deep to be followed, is its author's fault and nobody else's. */
function bounded<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TooComplexError) && !(error instanceof RangeError)) throw error;
    throw schemaError("", "is too complex.");
  }
}
