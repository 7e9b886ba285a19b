export const invariantTexts = {
  I1: "every 202 reaches a terminal status",
  I2: "one terminal transition for each task, and none changes",
  I3: "vectors equal those of a run without faults",
  I4: "no byte of another user's",
  I5: "no write by a stale attempt",
  I6: "each webhook event is delivered at least once, with one stable id",
  I7: "a request that is asked again makes one task",
  failures: "no task failed but by its user's doing or as poisoned",
  leftovers: "nothing is left over: objects, files, leases, rows",
} as const;
export type InvariantName = keyof typeof invariantTexts;
export const invariantNames = Object.keys(invariantTexts) as InvariantName[];

/** How many of a kind are kept with what is known of them; the rest is counted. */
const kept = 20;

export interface Finding {
  text: string;
  /** What is known of the task: its request, its row, its log. */
  about: unknown;
}

/** What the checks find, by the invariant that it breaks. */
export class Findings {
  readonly #counts = new Map<InvariantName, number>();
  readonly #kept = new Map<InvariantName, Finding[]>();

  add(name: InvariantName, text: string, about?: unknown): void {
    const list = this.#kept.get(name) ?? [];
    this.#kept.set(name, list);
    this.#counts.set(name, this.count(name) + 1);
    if (list.length < kept) list.push({ text, about });
  }

  count(...names: InvariantName[]): number {
    return names.reduce((sum, name) => sum + (this.#counts.get(name) ?? 0), 0);
  }

  of(name: InvariantName): readonly Finding[] {
    return this.#kept.get(name) ?? [];
  }

  any(): boolean {
    return this.#counts.size > 0;
  }
}
