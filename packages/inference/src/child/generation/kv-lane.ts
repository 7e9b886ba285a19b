import type { KvStore } from "./kv-layout.ts";

/** Texts that are run together, each with its keys and values. */
export interface KvLane {
  /** Tokens that each text has so far. */
  readonly lengths: readonly number[];
  /** Runs as many new tokens for each text. Gives the logits after each text's last one. */
  run(ids: readonly (readonly number[])[]): Promise<Float32Array[]>;
  /** Takes over the one text of another lane, which is not used any more, as the last. */
  join(other: KvLane): void;
  /** Drops a text; the last one takes its place. */
  leave(index: number): void;
  /** A copy of the keys and values of so many tokens of a text. */
  read(index: number, from: number, count: number): KvStore;
  /** Begins a text in an empty lane with pieces that `read` gave, of `capacity` tokens each. */
  restore(pieces: readonly KvStore[]): void;
}
