import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";

export interface TaskRecord {
  id: string;
  user_id: string;
  kind: string;
  status: string;
  attempt: number;
  file_id: string | null;
  /** `payload` and `result` as text: markers are looked for in them. */
  payload: string;
  result: string | null;
  problem_code: string | null;
}
export interface Transition {
  task_id: string;
  from_status: string | null;
  to_status: string;
  attempt: number;
  life: number;
}
export interface FileRecord {
  id: string;
  user_id: string;
  name: string;
  status: string;
  sha256: string;
}
export interface ChunkRecord {
  file_id: string;
  ordinal: number;
  /** Everything of the chunk but its ids. */
  content: string;
  vectors: number;
  vector: string | null;
}

/** The truth, read past the api. Only the checks and two faults use it. */
export interface TruthDatabase extends AsyncDisposable {
  tasks(): Promise<TaskRecord[]>;
  transitions(): Promise<Transition[]>;
  files(): Promise<FileRecord[]>;
  chunks(fileIds: string[]): Promise<ChunkRecord[]>;
  openTasks(): Promise<number>;
  /** Ends genq's own connections, in the middle of whatever they do. */
  terminateBackends(): Promise<void>;
  /** Loses all rings of a queue on Postgres. */
  emptyQueue(): Promise<void>;
}

export function openTruth(url: string): TruthDatabase {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => undefined });
  const retried = async <Row>(query: () => PromiseLike<readonly Row[]>): Promise<Row[]> => {
    for (let tries = 1; ; tries++) {
      try {
        return [...(await query())];
      } catch (error) {
        if (tries === 30) throw error;
        await sleep(500);
      }
    }
  };
  return {
    tasks: () =>
      retried(
        () => sql<TaskRecord[]>`
          select id, user_id, kind, status, attempt, file_id, payload::text as payload, result::text as result,
            problem ->> 'code' as problem_code from genq.tasks`,
      ),
    transitions: () =>
      retried(
        () => sql<Transition[]>`
          select task_id, from_status, to_status, attempt, life from genq.task_transitions order by id`,
      ),
    files: () => retried(() => sql<FileRecord[]>`select id, user_id, name, status, sha256 from genq.files`),
    chunks: (fileIds) =>
      retried(
        () => sql<ChunkRecord[]>`
          select c.file_id, c.ordinal, count(e.chunk_id)::integer as vectors, min(e.embedding::text) as vector,
            jsonb_build_array(c.page_start, c.page_end, c.char_start, c.char_end, c.token_count, c.text)::text as content
          from genq.chunks c left join genq.embeddings e on e.chunk_id = c.id
          where c.file_id = any (${fileIds}::uuid[]) group by c.id order by c.file_id, c.ordinal`,
      ),
    openTasks: async () => {
      const [row] = await retried(
        () => sql<{ open: number }[]>`
          select count(*)::integer as open from genq.tasks where status in ('queued', 'processing')`,
      );
      return row?.open ?? 0;
    },
    terminateBackends: async () => {
      await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name in ('genq_api', 'genq_worker', 'genq_queue')`;
    },
    emptyQueue: async () => {
      await sql`delete from bullmq.job`;
    },
    [Symbol.asyncDispose]: () => sql.end({ timeout: 2 }),
  };
}
