/** Where bytes go. */
export type Direction = "to-server" | "to-client";

/** What a proxy does with the bytes of a connection. */
export type ProxyMode =
  | { kind: "pass" }
  /** Resets what is connected, and every new connection at once. */
  | { kind: "refuse" }
  /** Half-open: accepts, and loses the bytes of one way or of both. A connection that lost bytes is cut by the next mode. */
  | { kind: "swallow"; way?: Direction }
  /** Each byte comes so much later, in order. */
  | { kind: "delay"; ms: number }
  /**
   * Cuts a connection as soon as `pattern` goes its way, `times` times at most. Toward the server it still arrives there;
   * toward the client it does not: an answer with the pattern is lost after the server has done what it says.
   */
  | { kind: "cut-at"; pattern: Buffer; way: Direction; times?: number };

/** What a proxy has done so far. */
export interface ProxyCounts {
  connections: number;
  refused: number;
  swallowedBytes: number;
  delayedChunks: number;
  /** Connections that were cut by `cut()`. */
  cuts: number;
  /** Connections that were cut at a pattern. */
  cutsAtPattern: number;
}
