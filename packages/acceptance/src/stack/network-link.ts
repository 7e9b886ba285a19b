import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";

/** A network of its own for one process, which one link joins to this machine's. */
export interface NetworkLink {
  /** Where the process in there finds this machine. */
  readonly hostAddress: string;
  /** Where this machine finds the process. */
  readonly guestAddress: string;
  /** What a command in there begins with. */
  readonly command: readonly string[];
  /** Packets are lost both ways and no connection hears of it. */
  cut(): void;
  heal(): void;
  close(): void;
}

/** Makes a network namespace, or returns why this machine does not allow it. */
export function openNetworkLink(): NetworkLink | string {
  const name = `genq-${randomBytes(4).toString("hex")}`;
  const [host, guest] = [`${name}h`, `${name}g`];
  const [third, fourth] = randomBytes(2);
  // A small subnet of the carrier-grade range, which no machine has for itself.
  const subnet = `100.${64 + ((third ?? 0) % 64)}.${fourth ?? 0}`;
  const ip = (words: string) => execFileSync("ip", words.split(" "), { stdio: ["ignore", "pipe", "pipe"] });
  const close = () => {
    for (const words of [`netns del ${name}`, `link del ${host}`]) {
      try {
        ip(words);
      } catch {
        // It goes with the other.
      }
    }
  };
  try {
    ip(`netns add ${name}`);
    ip(`link add ${host} type veth peer name ${guest} netns ${name}`);
    ip(`addr add ${subnet}.1/30 dev ${host}`);
    ip(`link set ${host} up`);
    for (const words of [`addr add ${subnet}.2/30 dev ${guest}`, `link set ${guest} up`, "link set lo up"])
      ip(`-n ${name} ${words}`);
  } catch (error) {
    close();
    return `no network namespace: ${(error instanceof Error ? error.message : String(error)).trim().split("\n").at(-1)}`;
  }
  return {
    hostAddress: `${subnet}.1`,
    guestAddress: `${subnet}.2`,
    command: ["ip", "netns", "exec", name],
    cut: () => void ip(`link set ${host} down`),
    heal: () => void ip(`link set ${host} up`),
    close,
  };
}
