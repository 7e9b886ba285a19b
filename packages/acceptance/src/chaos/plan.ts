import type { Fault, Step } from "./faults/fault.ts";
import type { FaultName } from "./faults/names.ts";
import type { Random } from "./random.ts";

/** What is broken, in each lane's order. */
export type Plan = Record<Fault["lane"], Step[]>;

/** One pause for so many kills, and one of each other fault for so many. */
const killsPerPause = 5;
const killsPerOther = 20;

/**
 * The same for the same seed: as many kills as asked for, in equal parts, a fifth as many pauses, and of each other fault
 * a twentieth, one at least.
 */
export function planFaults(
  faults: readonly { name: FaultName; lane: Fault["lane"] }[],
  kills: number,
  random: Random,
): Plan {
  const plan: Plan = { kill: [], sleep: [], trouble: [] };
  const killing = faults.filter(({ lane }) => lane === "kill");
  const times = ({ name, lane }: (typeof faults)[number], index: number) => {
    if (lane === "kill") return Math.floor((kills + killing.length - 1 - index) / killing.length);
    return Math.ceil(kills / (name === "pause" ? killsPerPause : killsPerOther));
  };
  for (const fault of faults) {
    const count = times(fault, killing.indexOf(fault));
    for (let turn = 0; turn < count; turn++) {
      const [gap, target, way, length] = [random.next(), random.next(), random.next(), random.next()];
      plan[fault.lane].push({ fault: fault.name, gap, target, way, length });
    }
  }
  for (const lane of Object.keys(plan) as (keyof Plan)[]) plan[lane] = shuffle(plan[lane], random);
  return plan;
}

function shuffle<Item>(items: Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
