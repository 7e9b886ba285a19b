import type { Citation, Passage } from "@genq/contract";

/**
 * The passages that an answer rests on: those that it names by `[n]`, in the order in which it first names them. When
 * it names none, `unnamed` says whether it rests on all that it was given, or on none.
 */
export function citationsOf(
  answer: string,
  passages: readonly Passage[],
  unnamed: "all" | "none",
): Citation[] {
  const cited = passages.map((passage, index) => ({ ...passage, index: index + 1 }));
  const named = [...new Set(markers(answer))].flatMap((number) => cited[number - 1] ?? []);
  return named.length > 0 || unnamed === "none" ? named : cited;
}

/** The numbers in `[1]`, `[1, 2]` and their full-width forms. */
function markers(answer: string): number[] {
  return [...answer.matchAll(/[[［【]\s*(\d{1,4}(?:\s*[,、，]\s*\d{1,4})*)\s*[\]］】]/g)].flatMap(
    ([, numbers = ""]) => numbers.split(/[,、，]/).map(Number),
  );
}
