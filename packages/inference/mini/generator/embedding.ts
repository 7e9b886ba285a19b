/** A row for each token: its own code, the trained vectors of its word, and its role. */
import { codeOf, seededRandom, separatedCodes } from "./codes.ts";
import {
  CONSTANT,
  EMBEDDED,
  IS_ANSWER,
  IS_BOS,
  IS_END,
  IS_NONE,
  IS_OPENING,
  IS_QUESTION,
  SENTENCE_CODE,
  TELLS,
  TOKEN,
  TOKEN_CODE,
  WORD,
  WORD_CODE,
} from "./layout.ts";
import type { Relevance } from "./relevance.ts";
import {
  ANSWER,
  BOS,
  END,
  NONE,
  QUESTION,
  SENTENCE_IDS,
  SPECIAL_TOKENS,
  sentenceId,
  tokenText,
} from "./tokenizer.ts";

const SEED = 20_240_601;
const CONSTANT_STEP = 64;
/** The constant outweighs all else in the residual stream, so RMSNorm scales every token alike. */
export const CONSTANT_VALUE = CONSTANT_STEP * CONSTANT_STEP;

/** What the columns of the stored bytes are multiplied by. */
function columnScales({ scales }: Relevance): readonly number[] {
  const columns = new Array<number>(EMBEDDED).fill(1);
  columns[CONSTANT.start] = CONSTANT_STEP;
  scales.forEach((scale, column) => {
    columns[WORD.start + column] = scale;
  });
  return columns;
}

const GRAMMAR = new Set(
  `the of and to in a is that it for as was with be by on not he his but at are this have from or had an they which one
  you were all her she there would their we him been has when who will no more if out so up said what its about than into
  them can only other some could these two may then do first any my now such like our over me even most made after also
  did many off before must well through much where your should because each just those how too very does tell explain
  describe please mean use using give find why whose whom i am while between during under again per`.split(
    /\s+/,
  ),
);

const stem = (word: string) => (word.length > 4 ? word.replace(/(?:ing|ed|es|s|e)$/u, "") : word);

/** What two spellings of one word have in common. */
function wordKey(text: string): string {
  const folded = text.normalize("NFKC").trim().toLowerCase();
  return text.startsWith(" ") ? stem(folded) : folded;
}

const WEIGHT_BY_LENGTH: readonly number[] = [0, 1, 12, 40, 65, 85];

/** 0 to 100: nothing for punctuation and grammar, little for fragments, most for rare words and for characters of Han. */
function tellingWeight(text: string, ranks: ReadonlyMap<string, number>): number {
  const word = text.trim().toLowerCase();
  if (/^\p{Script=Han}$/u.test(word)) return 60;
  if (/^\p{Script=Katakana}$/u.test(word)) return 35;
  if (/^\p{Script=Hiragana}$/u.test(word)) return 4;
  if (/^\p{N}+$/u.test(word)) return [0, 12, 60, 90][word.length] ?? 12;
  if (word.includes("\ufffd")) return 10;
  if (!/^\p{L}+$/u.test(word)) return 0;
  if (GRAMMAR.has(word)) return text.startsWith(" ") || word.length > 2 ? 2 : 1;
  const rank = ranks.get(word) ?? Number.POSITIVE_INFINITY;
  const rarity = rank < 150 ? 0.4 : rank < 600 ? 0.7 : 1;
  return Math.round((WEIGHT_BY_LENGTH[word.length] ?? 100) * rarity);
}

export interface Embedding {
  /** tokens × EMBEDDED */
  rows: Int8Array;
  columnScales: readonly number[];
  /** (TOKEN_CODE + SENTENCE_CODE) × tokens: which logits a copied token's and a picked sentence's code raise. */
  head: Int8Array;
}

/** How much the code of a picked sentence counts, so that both kinds of code raise a logit alike. */
const PICK_FACTOR = Math.round(TOKEN_CODE / SENTENCE_CODE);

export function buildEmbedding(tokens: readonly string[], relevance: Relevance): Embedding {
  const { vectors } = relevance;
  const random = seededRandom(SEED);
  const openings = separatedCodes(random, { count: SENTENCE_IDS + 2, size: SENTENCE_CODE, limit: 10 });
  const codes = separatedCodes(random, { count: tokens.length, size: TOKEN_CODE, limit: 36 });
  const rows = new Int8Array(tokens.length * EMBEDDED);
  const head = new Int8Array((TOKEN_CODE + SENTENCE_CODE) * tokens.length);

  const openingTokens = [QUESTION, ANSWER, ...Array.from({ length: SENTENCE_IDS }, (_, i) => sentenceId(i))];
  const openingCodes = new Map(openingTokens.map((token, i) => [token, openings[i]]));
  tokens.forEach((token, id) => {
    const row = rows.subarray(id * EMBEDDED, (id + 1) * EMBEDDED);
    row[CONSTANT.start] = CONSTANT_STEP;
    if (token === BOS) {
      // No code: what attends to it takes nothing.
      row[IS_BOS.start] = 1;
      row[IS_OPENING.start] = 1;
      return;
    }
    const code = codes[id] ?? new Int8Array(TOKEN_CODE);
    const opening = openingCodes.get(token);
    row.set(code, TOKEN.start);
    if (opening !== undefined) {
      row.set(opening, TOKEN.start);
      row[IS_OPENING.start] = 1;
      row[IS_QUESTION.start] = token === QUESTION ? 1 : 0;
      row[IS_ANSWER.start] = token === ANSWER ? 1 : 0;
      row[IS_NONE.start] = token === NONE ? 1 : 0;
      opening.forEach((bit, i) => {
        head[(TOKEN_CODE + i) * tokens.length + id] = bit * PICK_FACTOR;
      });
      return;
    }
    code.forEach((bit, i) => {
      head[i * tokens.length + id] = bit;
    });
    if (token === END) {
      row[IS_END.start] = 1;
      return;
    }
    const size = WORD.size + TELLS.size;
    row.set(vectors.subarray(id * size, (id + 1) * size), WORD.start);
  });
  return { rows, columnScales: columnScales(relevance), head };
}

/** For each token its word's code and, in hundredths, how much it tells: where training starts. */
export function startOfWords(tokens: readonly string[], frequentWords: readonly string[]): Int8Array {
  const ranks = new Map(frequentWords.map((word, rank) => [word, rank]));
  const rows = new Int8Array(tokens.length * (WORD_CODE + 1));
  tokens.forEach((token, id) => {
    if (SPECIAL_TOKENS.includes(token)) return;
    const text = tokenText(token);
    // A token that is part of a character has no text of its own.
    rows.set(codeOf(text.includes("\ufffd") ? token : wordKey(text), WORD_CODE), id * (WORD_CODE + 1));
    rows[(id + 1) * (WORD_CODE + 1) - 1] = tellingWeight(text, ranks);
  });
  return rows;
}
