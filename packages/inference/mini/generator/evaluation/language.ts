/** What documents in a language are made of. */
export interface Language {
  subjects: Record<string, readonly string[]>;
  /** Kind of subject, sentence, question. */
  facts: readonly (readonly [kind: string, sentence: string, question: string])[];
  people: readonly string[];
  places: readonly string[];
  filler: readonly string[];
  money(value: number): string;
  time(hour: number, minute: number): string;
  join: string;
}
