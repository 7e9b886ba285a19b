/** Deaths in a row that come soon after each other, one less than the launcher forgives. */
const mostQuickDeaths = 3;
/** A process that lived for so long has not died quickly; with a little for its restart. */
const quickMs = 34_000;

/** Keeps kills below what the standalone edition's launcher takes for a process that can't run. */
export function createDeathLimit(limited: boolean): {
  allows(name: string): boolean;
  note(name: string): void;
} {
  const deaths = new Map<string, { at: number; quick: number }>();
  const isQuick = (at: number) => performance.now() - at < quickMs;
  return {
    allows: (name) => {
      const last = deaths.get(name);
      return !limited || last === undefined || !isQuick(last.at) || last.quick < mostQuickDeaths;
    },
    note: (name) => {
      const last = deaths.get(name);
      const quick = last !== undefined && isQuick(last.at) ? last.quick + 1 : 1;
      deaths.set(name, { at: performance.now(), quick });
    },
  };
}
