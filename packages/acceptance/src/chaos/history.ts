/** How one request ended for its client. `unknown`: no answer came, or one of a server in trouble. */
export type Outcome = "accepted" | "refused" | "unknown";

/** `unreadable` is an upload without text in it: a failure of its user's own. */
export type AskKind = "embed" | "generate" | "upload" | "unreadable";

export interface Request {
  user: number;
  kind: AskKind;
  /** The `Idempotency-Key`. */
  key: string;
  /** A word that is in this request and in no other. */
  marker: string;
  /** Which text it is about: `textOf` makes it anew, so that a long history stays small. */
  text: number;
}

/** Something that a client wants done once, however often it has to ask. */
export interface Ask extends Request {
  outcomes: Outcome[];
  /** The tasks that its answers named: never more than one. */
  taskIds: string[];
  fileIds: string[];
  /** The terminal statuses that the client saw. */
  seen: string[];
  /** How often the client asked for another life of the failed task. */
  retries: number;
  /** Whether the client had its task or file deleted: `asked` while no answer said so. */
  deletion?: "asked" | "done";
  /** Why it was refused for good. */
  refusal?: string;
  /** Why its last answer left it unknown. */
  trouble?: string;
}

/** What the clients know: each request with its answers. */
export class History {
  readonly asks: Ask[] = [];
  cancels = 0;
  repeats = 0;
  retries = 0;
  deletions = 0;

  add(request: Request): Ask {
    const ask: Ask = { ...request, outcomes: [], taskIds: [], fileIds: [], seen: [], retries: 0 };
    this.asks.push(ask);
    return ask;
  }

  accepted(): number {
    return this.asks.reduce((sum, { taskIds }) => sum + Math.min(1, taskIds.length), 0);
  }

  count(outcome: Outcome): number {
    return this.asks.reduce((sum, { outcomes }) => sum + outcomes.filter((one) => one === outcome).length, 0);
  }
}

export function isUnknown({ outcomes }: Ask): boolean {
  return outcomes.at(-1) === "unknown";
}

/** Adds what is not there yet. */
export function note(list: string[], value: string | undefined): void {
  if (value !== undefined && !list.includes(value)) list.push(value);
}

export function markersIn(text: string): string[] {
  return text.match(/owner\d+x[0-9a-f]{32}/g) ?? [];
}

export function ownerOf(marker: string): number {
  return Number(/^owner(\d+)x/.exec(marker)?.[1]);
}
