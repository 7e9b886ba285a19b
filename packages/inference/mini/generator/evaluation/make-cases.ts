/** Documents and questions that test the mini generator. The same seed makes the same ones. */
import { english } from "./english-facts.ts";
import { japanese } from "./japanese-facts.ts";

export interface Case {
  language: "en" | "ja";
  question: string;
  passages: string[];
  /** The sentence and its passage's number, such as `It rained. [2]`; undefined where no passage tells. */
  answer: string | undefined;
}

const languages = { en: english, ja: japanese };

/** Of ten cases six are English, two can't be answered. */
export function makeCases(count: number, seed = 1): Case[] {
  const random = mulberry(seed);
  return Array.from({ length: count }, (_, index) =>
    makeCase(index % 5 < 3 ? "en" : "ja", index % 5 !== Math.floor(index / 5) % 5, random),
  );
}

function makeCase(name: "en" | "ja", answerable: boolean, random: () => number): Case {
  const language = languages[name];
  const pick = <T>(items: readonly T[]): T => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error("Nothing to pick from.");
    return item;
  };
  const shuffle = <T>(items: readonly T[]): T[] =>
    items
      .map((item) => ({ item, key: random() }))
      .sort((a, b) => a.key - b.key)
      .map(({ item }) => item);
  const whole = (from: number, to: number) => Math.floor(from + random() * (to - from));

  function tell(template: string, subject: string): string {
    const values: Record<string, () => string> = {
      s: () => subject,
      S: () => subject.charAt(0).toUpperCase() + subject.slice(1),
      n: () => String(whole(3, 2500)),
      y: () => String(whole(1780, 2025)),
      p: () => pick(language.people),
      P: () => pick(language.people),
      w: () => pick(language.places),
      m: () => language.money(whole(3, 4000)),
      t: () => language.time(whole(4, 19), whole(10, 59)),
      c: () => `${pick(["E", "ERR_", "zq.", "X-"])}${pick(["ABEND", "lumen", "402", "halt"])}${whole(1, 99)}`,
      f: () => `/${pick(["data", "mnt", "tmp"])}/${pick(["tern", "oyster", "vole"])}${whole(1, 99)}.dmp`,
    };
    return template.replace(/\{(\w)\}/gu, (slot, letter: string) => values[letter]?.() ?? slot);
  }

  const kinds = Object.keys(language.subjects);
  const [kind, other] = shuffle(kinds);
  const [first = "", second = ""] = shuffle(language.subjects[kind ?? ""] ?? []);
  const [third = ""] = shuffle(language.subjects[other ?? ""] ?? []);
  const things: [string | undefined, string][] = [
    [kind, first],
    [kind, second],
    [other, third],
  ];
  const paragraphs = things.map(([of, subject]) => {
    const facts = shuffle(language.facts.filter(([factKind]) => factKind === of)).slice(0, 3);
    return facts.map(([, sentence, question]) => ({
      text: tell(sentence, subject),
      question: tell(question, subject),
    }));
  });
  const target = paragraphs[0]?.[0];
  if (!target) throw new Error("No fact.");
  // What can't be answered is said of nothing here, or of a like thing only.
  const told = paragraphs.map((facts) =>
    facts.map(({ text }) => text).filter((text) => answerable || text !== target.text),
  );
  const filler = shuffle(language.filler).slice(0, whole(2, 10));
  const passages = shuffle([...told, [], []].slice(0, whole(3, 6)));
  for (const sentence of filler) pick(passages).splice(0, 0, sentence);
  const texts = passages.filter((sentences) => sentences.length > 0);
  const number = texts.findIndex((sentences) => sentences.includes(target.text)) + 1;
  return {
    language: name,
    question: target.question,
    passages: texts.map((sentences) => sentences.join(language.join)),
    answer: answerable ? `${target.text} [${number}]` : undefined,
  };
}

/** Mulberry32: numbers from 0 to 1 by a seed. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
