import { type JobKind, jobCatalog, type QueueName, unreportedAttemptsLimit } from "@genq/contract";

/*
 * What genq promises of a task (design §4), as a small machine without a database: every rule is a function that moves
 * the state and returns what the caller of the real one must get. Times are milliseconds.
 */

/** All but ingestion, whose file is another story. */
export type ModelKind = Exclude<JobKind, "ingest">;
export type Status = "queued" | "processing" | "completed" | "failed" | "canceled" | "expired";

export interface ModelTask {
  id: string;
  user: string;
  kind: ModelKind;
  status: Status;
  attempt: number;
  life: number;
  lifeAttempts: number;
  unreported: number;
  turn: number;
  place: number;
  leaseUntil: number | null;
  runAfter: number;
  rungAt: number | null;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  expiresAt: number;
  problem: string | null;
  progress: number | null;
  hasResult: boolean;
  /** Webhook events: one for each end. */
  events: number;
  /** `from>to attempt life` of each change of the status. */
  log: string[];
}

interface Key {
  user: string;
  key: string;
  hash: string;
  taskId: string;
  createdAt: number;
}

export interface Claim {
  taskId: string;
  attempt: number;
}

export interface Model {
  now: number;
  tasks: ModelTask[];
  keys: Key[];
  /** Every claim that was ever made: workers that were forgotten write late. */
  claims: Claim[];
  /** Whose tasks' ends are told to a webhook. */
  subscriber?: string;
}

export const rules = {
  leaseMs: 10_000,
  silentMs: 15_000,
  maxQueued: 4,
  runningPerUser: 2,
  keyMs: 24 * 3_600_000,
};

const queueOf = (task: ModelTask): QueueName => jobCatalog[task.kind].queue;
const isTerminal = (task: ModelTask) => !["queued", "processing"].includes(task.status);

function move(task: ModelTask, to: Status): void {
  task.log.push(`${task.status}>${to} ${task.attempt} ${task.life}`);
  task.status = to;
}

function end(model: Model, task: ModelTask, to: Status, problem: string | null): void {
  Object.assign(task, { problem, finishedAt: model.now, leaseUntil: null });
  if (task.user === model.subscriber) task.events++;
  move(task, to);
}

/** What has not ended. */
export const open = (model: Model): ModelTask[] => model.tasks.filter((task) => !isTerminal(task));

const of = (model: Model, user: string, id: string) =>
  model.tasks.find((task) => task.id === id && task.user === user);

/** The task that holds a claim; undefined when the claim is stale. */
const held = (model: Model, { taskId, attempt }: Claim) =>
  model.tasks.find((task) => task.id === taskId && task.attempt === attempt && task.status === "processing");

/** What a key stands for: a task, nothing yet, or another request. */
function replay(model: Model, user: string, key: string | undefined, hash: string) {
  const record = model.keys.find((one) => one.user === user && one.key === key);
  if (key === undefined || record === undefined || record.createdAt < model.now - rules.keyMs)
    return undefined;
  return record.hash === hash ? record.taskId : "idempotency_mismatch";
}

function remember(model: Model, user: string, key: string | undefined, hash: string, taskId: string): void {
  if (key === undefined) return;
  model.keys = model.keys.filter((one) => one.user !== user || one.key !== key);
  model.keys.push({ user, key, hash, taskId, createdAt: model.now });
}

const hasRoom = (model: Model, user: string, { maxQueued } = rules) =>
  model.tasks.filter((task) => task.user === user && task.status === "queued").length < maxQueued;

export interface Submission {
  user: string;
  kind: ModelKind;
  key: string | undefined;
  hash: string;
}

/** A code, the id of the task that an earlier request made, or undefined: a new task with the id that the real one got. */
export function submit(
  model: Model,
  request: Submission,
  limits = rules,
): string | ((id: string) => ModelTask) {
  const { user, kind, key, hash } = request;
  const earlier = replay(model, user, key, hash);
  if (earlier !== undefined) return earlier;
  if (!hasRoom(model, user, limits)) return "queue_limit_reached";
  return (id) => {
    const task: ModelTask = {
      ...{ id, user, kind, status: "queued", attempt: 0, life: 1, lifeAttempts: 0, unreported: 0 },
      ...{ leaseUntil: null, rungAt: null, startedAt: null, finishedAt: null },
      ...{ problem: null, progress: null, hasResult: false, events: 0, log: [">queued 0 1"] },
      turn: 0,
      place: 0,
      runAfter: model.now,
      createdAt: model.now,
      expiresAt: model.now + jobCatalog[kind].limits.waitSeconds * 1000,
    };
    takeTurn(model, task);
    model.tasks.push(task);
    remember(model, user, key, hash, id);
    return task;
  };
}

/**
 * Rounds: behind its user's other tasks, and not before the latest turn that was ever served, which is remembered after its
 * task ended. A user's place in the round stays while something of theirs waits or was served in it; else it is the last.
 * Asked for before the task changes its status.
 */
function takeTurn(model: Model, task: ModelTask): void {
  const line = model.tasks.filter((one) => queueOf(one) === queueOf(task));
  const waiting = line.filter((one) => one !== task && one.status === "queued");
  const served = line.filter((one) => ["processing", "completed", "failed"].includes(one.status));
  const turns =
    served.length > 0 ? [Math.max(...served.map((one) => one.turn))] : waiting.map((one) => one.turn);
  const round = turns.length > 0 ? Math.min(...turns) : 0;
  const last = waiting.filter((one) => one.user === task.user).sort((a, b) => b.turn - a.turn)[0];
  const past = served.find((one) => one.user === task.user && one.turn === round);
  const places = [last !== undefined && last.turn >= round ? last.place : undefined, past?.place];
  task.turn = Math.max(round, (last?.turn ?? -1) + 1, (past?.turn ?? -1) + 1);
  task.place =
    places.find((place) => place !== undefined) ?? 1 + Math.max(0, ...model.tasks.map((one) => one.place));
}

/** Two tasks of one user never wait at one turn. */
function settleTurn(model: Model, task: ModelTask): void {
  const taken = model.tasks.some(
    (one) =>
      one !== task &&
      one.status === "queued" &&
      one.user === task.user &&
      queueOf(one) === queueOf(task) &&
      one.turn === task.turn,
  );
  if (taken) takeTurn(model, task);
}

/** The fair next tasks of a queue. */
export function claimNext(
  model: Model,
  queue: QueueName,
  limit: number,
  { leaseMs, runningPerUser } = rules,
): ModelTask[] {
  const due = model.tasks
    .filter((task) => queueOf(task) === queue && task.status === "queued" && task.runAfter <= model.now)
    .sort((a, b) => a.turn - b.turn || a.place - b.place);
  const claimed: ModelTask[] = [];
  for (const task of due) {
    if (claimed.length === limit) break;
    if (task.expiresAt <= model.now) continue;
    const running = model.tasks.filter(
      (one) => one.status === "processing" && one.user === task.user && queueOf(one) === queue,
    );
    if (running.length >= runningPerUser) continue;
    Object.assign(task, {
      attempt: task.attempt + 1,
      lifeAttempts: task.lifeAttempts + 1,
      leaseUntil: model.now + leaseMs,
      startedAt: model.now,
    });
    move(task, "processing");
    model.claims.push({ taskId: task.id, attempt: task.attempt });
    claimed.push(task);
  }
  return claimed;
}

export function renew(model: Model, claims: Claim[]): Claim[] {
  const kept = claims.filter((claim) => held(model, claim) !== undefined);
  for (const claim of kept)
    Object.assign(held(model, claim) ?? {}, { leaseUntil: model.now + rules.leaseMs });
  return kept;
}

export const hold = (model: Model, claim: Claim): boolean => held(model, claim) !== undefined;

export function progress(model: Model, claim: Claim, done: number): boolean {
  const task = held(model, claim);
  if (task !== undefined) task.progress = done;
  return task !== undefined;
}

export function complete(model: Model, claim: Claim): boolean {
  const task = held(model, claim);
  if (task === undefined) return false;
  task.hasResult = true;
  end(model, task, "completed", null);
  return true;
}

export function fail(model: Model, claim: Claim): boolean {
  const task = held(model, claim);
  if (task !== undefined) end(model, task, "failed", "internal_error");
  return task !== undefined;
}

export function release(model: Model, claim: Claim, delayMs: number, counted: boolean): boolean {
  const task = held(model, claim);
  if (task === undefined) return false;
  if (counted) takeTurn(model, task);
  else task.lifeAttempts--;
  Object.assign(task, { leaseUntil: null, rungAt: null, runAfter: model.now + delayMs });
  move(task, "queued");
  settleTurn(model, task);
  return true;
}

/** The status after, or undefined: there is no such task. */
export function cancel(model: Model, user: string, id: string): Status | undefined {
  const task = of(model, user, id);
  if (task !== undefined && !isTerminal(task)) end(model, task, "canceled", null);
  return task?.status;
}

/** A code, or the id of the task that waits again. */
export function retry(model: Model, user: string, id: string, key: string | undefined): string {
  const hash = `retry ${id}`;
  const earlier = replay(model, user, key, hash);
  if (earlier !== undefined) return earlier;
  const task = of(model, user, id);
  if (task === undefined) return "not_found";
  if (!hasRoom(model, user)) return "queue_limit_reached";
  if (task.status !== "failed") return "task_not_retryable";
  Object.assign(task, { lifeAttempts: 0, unreported: 0, problem: null, progress: null, startedAt: null });
  Object.assign(task, { finishedAt: null, rungAt: null, runAfter: model.now, life: task.life + 1 });
  task.expiresAt = model.now + jobCatalog[task.kind].limits.waitSeconds * 1000;
  takeTurn(model, task);
  move(task, "queued");
  remember(model, user, key, hash, id);
  return id;
}

export function remove(
  model: Model,
  user: string,
  id: string,
): "deleted" | "not_found" | "task_not_finished" {
  const task = of(model, user, id);
  if (task === undefined) return "not_found";
  if (!isTerminal(task)) return "task_not_finished";
  model.tasks = model.tasks.filter((one) => one !== task);
  model.keys = model.keys.filter((one) => one.taskId !== id);
  return "deleted";
}

/** Tasks whose lease ran out wait again, or are quarantined at the third attempt without a report. */
export function requeueAbandoned(model: Model): string[] {
  const abandoned = model.tasks.filter(
    (task) => task.status === "processing" && task.leaseUntil !== null && task.leaseUntil <= model.now,
  );
  for (const task of abandoned) {
    task.unreported++;
    if (task.unreported >= unreportedAttemptsLimit) {
      end(model, task, "failed", "poisoned");
    } else {
      Object.assign(task, { leaseUntil: null, runAfter: model.now, rungAt: model.now });
      move(task, "queued");
    }
  }
  const requeued = abandoned.filter((task) => task.status === "queued");
  for (const task of requeued) settleTurn(model, task);
  return requeued.map((task) => task.id);
}

const isOverdue = (model: Model, task: ModelTask): boolean =>
  task.status === "queued" && task.expiresAt <= model.now;

/** Overdue tasks end, all or those that are named. */
export function expire(model: Model, ids?: ReadonlySet<string>): number {
  const overdue = model.tasks.filter((task) => isOverdue(model, task) && (ids?.has(task.id) ?? true));
  for (const task of overdue) end(model, task, "expired", "task_expired");
  return overdue.length;
}

/** Which tasks of a queue are rung for: those that wait, could run, and were not rung for of late. */
export function ring(model: Model, queue: QueueName): string[] {
  const silent = model.tasks.filter(
    (task) =>
      queueOf(task) === queue &&
      task.status === "queued" &&
      Math.max(task.rungAt ?? 0, task.runAfter) <= model.now - rules.silentMs,
  );
  for (const task of silent) task.rungAt = model.now;
  return silent.map((task) => task.id);
}

export function forgetOldKeys(model: Model): void {
  model.keys = model.keys.filter((one) => one.createdAt >= model.now - rules.keyMs);
}
