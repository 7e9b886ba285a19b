/** How one request ended for its client. `unknown`: no answer came, or one of a server in trouble. */
export type Outcome = "accepted" | "refused" | "unknown";

/** Something that a client wants done once, however often it has to ask. */
export interface Ask {
  user: number;
  kind: "embed" | "generate" | "upload";
  /** The `Idempotency-Key`. */
  key: string;
  /** A word that is in this request and in no other. */
  marker: string;
  /** What is embedded, asked, or in the file. */
  text: string;
  outcomes: Outcome[];
  /** Why it was refused for good. */
  refusal: string | undefined;
  /** Why its last answer left it unknown. */
  trouble: string | undefined;
  /** The tasks that its answers named: never more than one. */
  taskIds: Set<string>;
  fileIds: Set<string>;
  /** The terminal statuses that the client saw. */
  seenStatuses: Set<string>;
}

/** What the clients know: each request with its answers. */
export class History {
  readonly asks: Ask[] = [];
  cancels = 0;
  repeats = 0;

  add(ask: Pick<Ask, "user" | "kind" | "key" | "marker" | "text">): Ask {
    const made: Ask = {
      ...ask,
      outcomes: [],
      refusal: undefined,
      trouble: undefined,
      taskIds: new Set(),
      fileIds: new Set(),
      seenStatuses: new Set(),
    };
    this.asks.push(made);
    return made;
  }

  accepted(): Ask[] {
    return this.asks.filter((ask) => ask.taskIds.size > 0);
  }

  count(outcome: Outcome): number {
    return this.asks.reduce((sum, ask) => sum + ask.outcomes.filter((one) => one === outcome).length, 0);
  }
}
