import type { Case } from "./make-cases.ts";
import type { Generator } from "./open-generator.ts";

interface Share {
  right: number;
  of: number;
}
type Score = "English" | "Japanese" | "unanswerable" | "ended";

/** What the generator says where no passage tells. */
const NOT_SAID = { en: "The passages do not say.", ja: "文章には書かれていません。" };

/** Right means: the sentence letter for letter and its passage's number. */
export async function scoreCases(
  generator: Generator,
  cases: readonly Case[],
  onWrong: (item: Case, said: string) => void,
): Promise<Record<Score, Share>> {
  const share = () => ({ right: 0, of: 0 });
  const scores = { English: share(), Japanese: share(), unanswerable: share(), ended: share() };
  for (const item of cases) {
    const { text, ended } = await generator.answer(item.question, item.passages);
    const name = item.answer === undefined ? "unanswerable" : item.language === "en" ? "English" : "Japanese";
    const right = text === (item.answer ?? NOT_SAID[item.language]);
    scores[name].of += 1;
    scores[name].right += Number(right);
    scores.ended.of += 1;
    scores.ended.right += Number(ended);
    if (!right) onWrong(item, text);
  }
  return scores;
}
