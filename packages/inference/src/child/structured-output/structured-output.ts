import type { PreTrainedTokenizer } from "@huggingface/transformers";
import { InferenceError } from "../../inference-error.ts";
import type { ResponseFormat } from "../../types.ts";
import type { Progress } from "../yield-to-events.ts";
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
  /**
   * Waits for the vocabulary to be read, once.
   * @throws InferenceError `invalid_input` for a schema that is wrong, too large or not supported, or needs more tokens
   */
  begin(format: ResponseFormat, mostTokens: number): Promise<FormatGuard>;
}

/**
 * Work that an answer's schema may make: so much at once, about a second of one core, and so much more for each token.
 * Other answers wait for it. 30 properties or a list of 1,000 constants are within it.
 */
const mostWork = 5_000_000;
const workPerToken = 20_000;

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
  progress: Progress,
): StructuredOutput {
  let reading: Promise<Vocabulary | undefined> | undefined;
  const grammars = new Map<string, Grammar>();
  let workLeft = 0;

  function spend(units: number): void {
    workLeft -= units;
    if (workLeft < 0) throw new TooComplexError();
  }

  async function knownVocabulary(): Promise<Vocabulary> {
    reading ??= readVocabulary(tokenizer, progress);
    const vocabulary = await reading;
    if (vocabulary) return vocabulary;
    throw new InferenceError(
      "invalid_input",
      "responseFormat: this model can't write JSON, for its vocabulary lacks some of its characters.",
    );
  }

  function grammarOf(format: ResponseFormat, vocabulary: Vocabulary): Grammar {
    const key = JSON.stringify(format.type === "json_schema" ? format.schema : format.type);
    if (key.length > mostSchemaCharacters)
      throw schemaError("", `must have at most ${mostSchemaCharacters} characters.`);
    const grammar = grammars.get(key) ?? makeGrammar(format, vocabulary);
    // The least recently used is forgotten first.
    grammars.delete(key);
    grammars.set(key, grammar);
    const [oldest] = grammars.keys();
    if (grammars.size > keptGrammars && oldest !== undefined) grammars.delete(oldest);
    return grammar;
  }

  function makeGrammar(format: ResponseFormat, vocabulary: Vocabulary): Grammar {
    const expressions = createExpressions(mostExpressions, spend);
    const json = createJsonText(expressions);
    const start =
      format.type === "json_schema" ? compileSchema(expressions, format.schema) : json.object(json.any());
    expressions.settle();
    if (expressions.leastBytes(start) === Number.POSITIVE_INFINITY)
      throw schemaError("", "no value matches it.");
    return { start, expressions, masks: createTokenMasks(expressions, vocabulary, endIds) };
  }

  async function begin(format: ResponseFormat, mostTokens: number): Promise<FormatGuard> {
    const vocabulary = await knownVocabulary();
    let work = mostWork;
    /** A schema whose parts multiply, or that is too deep to be followed, fails its own answer and holds up no other. */
    function bounded<Result>(compute: () => Result): Result {
      workLeft = work;
      try {
        return compute();
      } catch (error) {
        if (!(error instanceof TooComplexError) && !(error instanceof RangeError)) throw error;
        throw schemaError("", "is too complex. Use fewer options that begin alike, and smaller bounds.");
      } finally {
        work = workLeft;
      }
    }

    const { start, expressions, masks } = bounded(() => grammarOf(format, vocabulary));
    const needed = expressions.leastBytes(start);
    if (needed > mostTokens)
      throw schemaError("", `the shortest answer may need ${needed} tokens, and ${mostTokens} may be made.`);
    let place = start;
    return {
      allowed: (left) => bounded(() => masks.maskAt(place, left - 1)),
      accept(token) {
        work = Math.min(mostWork, work + workPerToken);
        return bounded(() => {
          for (const byte of vocabulary.bytesOf.get(token) ?? []) place = expressions.afterByte(place, byte);
          if (expressions.size() > keptExpressions) {
            expressions.forget(start, place);
            masks.forget();
          }
          return place === expressions.empty;
        });
      },
    };
  }

  return { begin };
}
