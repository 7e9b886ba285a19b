import { setTimeout as sleep } from "node:timers/promises";
import { arrayOf, openSql } from "./sql.ts";

/** A transition, as the log has it. */
export interface Step {
  from: string | null;
  to: string;
  attempt: number;
  life: number;
  /** The attempt that wrote it; null for who holds no claim. */
  writer: number | null;
  at: string;
}
export interface TaskRecord {
  id: string;
  user_id: string;
  kind: string;
  status: string;
  file_name: string | null;
  /** `payload` and `result` as text: markers are looked for in them. No vectors. */
  payload: string;
  result: string | null;
  problem_code: string | null;
  steps: Step[];
}
interface EmbeddingRecord {
  id: string;
  text: string;
  vectors: number[][];
}
/** A file beside the one that holds the same content and was ingested without faults. */
export interface FileComparison {
  id: string;
  status: string;
  twin_id: string | null;
  chunks: number;
  twin_chunks: number;
  /** Chunks whose text or place is not the twin's. */
  other_chunks: number;
  /** Chunks that have no vector, or more than one. */
  odd_vectors: number;
  /** The largest distance between the vectors of two equal chunks. */
  distance: number | null;
}
interface OpenTask {
  kind: string;
  status: string;
  tasks: number;
  /** Seconds until the last of their leases or pauses is over. */
  seconds: number;
}

/** The truth, read past the api, page by page. Only the checks use it. */
export interface TruthDatabase extends AsyncDisposable {
  tasks(userIds: string[]): AsyncGenerator<TaskRecord, void, void>;
  /** The embeddings that completed, up to so many at once. */
  embeddings(userIds: string[], atOnce: number): AsyncGenerator<EmbeddingRecord[], void, void>;
  /** Each file that was read whole against the control user's of the same content. */
  files(userIds: string[], control: string): AsyncGenerator<FileComparison, void, void>;
  /** What a stale attempt wrote past the fence, as the database noted it. */
  staleWrites(): Promise<{ task_id: string; relation: string; writer_attempt: number; attempt: number }[]>;
  /** What nobody will ever come back to, in words. */
  leftovers(): Promise<string[]>;
  /** Objects that are due for deletion, and events that wait for their receiver. */
  pending(): Promise<{ deletions: number; events: number }>;
  openTasks(): Promise<OpenTask[]>;
  /** By kind; one try only. */
  countOpen(): Promise<Map<string, number>>;
}

const pageRows = 500;

export function openTruth(url: string): TruthDatabase {
  const sql = openSql(url, { max: 2 });
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
  /** Pages by the id, which nothing has to be kept open for. */
  async function* paged<Row extends { id: string }>(
    page: (after: string) => PromiseLike<readonly Row[]>,
  ): AsyncGenerator<Row[], void, void> {
    let after = "00000000-0000-0000-0000-000000000000";
    for (;;) {
      const rows = await retried(() => page(after));
      const last = rows.at(-1);
      if (last === undefined) return;
      yield rows;
      after = last.id;
    }
  }
  async function* each<Row>(pages: AsyncGenerator<Row[], void, void>): AsyncGenerator<Row, void, void> {
    for await (const rows of pages) yield* rows;
  }
  return {
    tasks: (userIds) =>
      each(
        paged(
          (after) => sql<TaskRecord[]>`
            select t.id, t.user_id, t.kind, t.status, f.name as file_name, t.payload::text as payload,
              case when t.kind = 'embed' then null else t.result::text end as result, t.problem ->> 'code' as problem_code,
              (select coalesce(json_agg(json_build_object('from', s.from_status, 'to', s.to_status, 'attempt', s.attempt,
                'life', s.life, 'writer', s.writer_attempt, 'at', s.at) order by s.id), '[]')
              from genq.task_transitions s where s.task_id = t.id) as steps
            from genq.tasks t left join genq.files f on f.id = t.file_id
            where t.id > ${after} and t.user_id = any (${arrayOf(userIds)}::uuid[]) order by t.id limit ${pageRows}`,
        ),
      ),
    embeddings: (userIds, atOnce) =>
      paged(
        (after) => sql<EmbeddingRecord[]>`
          select id, payload -> 'texts' ->> 0 as text, result -> 'embeddings' as vectors from genq.tasks
          where id > ${after} and kind = 'embed' and status = 'completed' and user_id = any (${arrayOf(userIds)}::uuid[])
          order by id limit ${atOnce}`,
      ),
    files: (userIds, control) =>
      each(
        paged(
          (after) => sql<FileComparison[]>`
            with page as (
              select id, status, sha256 from genq.files
              where id > ${after} and user_id = any (${arrayOf(userIds)}::uuid[]) order by id limit 50
            )
            select page.id, page.status, twin.id as twin_id, compared.*,
              (select count(*)::integer from genq.chunks c where c.file_id = twin.id) as twin_chunks
            from page left join genq.files twin on twin.user_id = ${control} and twin.sha256 = page.sha256
            cross join lateral (
              select count(*)::integer as chunks,
                count(*) filter (where d.id is null or (c.page_start, c.page_end, c.char_start, c.char_end, c.token_count, c.text)
                  is distinct from (d.page_start, d.page_end, d.char_start, d.char_end, d.token_count, d.text))::integer
                  as other_chunks,
                count(*) filter (where v.vectors <> 1)::integer as odd_vectors,
                max(e.embedding operator(extensions.<->) g.embedding)::float8 as distance
              from genq.chunks c
              left join genq.chunks d on d.file_id = twin.id and d.ordinal = c.ordinal
              left join genq.embeddings e on e.chunk_id = c.id
              left join genq.embeddings g on g.chunk_id = d.id
              cross join lateral (select count(*) as vectors from genq.embeddings x where x.chunk_id = c.id) v
              where c.file_id = page.id
            ) compared
            order by page.id`,
        ),
      ),
    staleWrites: () =>
      retried(
        () => sql<{ task_id: string; relation: string; writer_attempt: number; attempt: number }[]>`
          select task_id, relation, writer_attempt, attempt from genq.stale_writes order by id limit 1000`,
      ),
    leftovers: async () => {
      const rows = await retried(
        () => sql<{ text: string }[]>`
          select format('object %s has no file, and nobody will delete it', o.name) as text from storage.objects o
          where o.bucket_id = 'genq' and not exists (select from genq.files f where f.storage_key = o.name)
            and not exists (select from genq.storage_deletions d where d.storage_key = o.name)
          union all
          select format('file %s has no object', f.id) from genq.files f
          where not exists (select from storage.objects o where o.bucket_id = 'genq' and o.name = f.storage_key)
          union all
          select format('object %s is a file''s and will be deleted', f.storage_key) from genq.files f
          join genq.storage_deletions d on d.storage_key = f.storage_key
          union all
          select format('file %s is %s, and task %s is %s', f.id, f.status, t.id, t.status) from genq.files f
          left join genq.tasks t on t.id = f.task_id
          where (f.status in ('ready', 'partial') and t.status <> 'completed')
            or (f.status = 'failed' and t.status not in ('failed', 'canceled', 'expired'))
            or (f.status not in ('ready', 'partial', 'failed') and coalesce(t.status, 'gone') not in ('queued', 'processing'))
          union all
          select format('task %s is %s and has a lease', id, status) from genq.tasks
          where status <> 'processing' and lease_until is not null
          union all
          select format('key %s of user %s names nothing', key, user_id) from genq.idempotency_keys
          where task_id is null and file_id is null and webhook_id is null
          limit 1000`,
      );
      return rows.map(({ text }) => text);
    },
    pending: async () => {
      const [row] = await retried(
        () => sql<{ deletions: number; events: number }[]>`
          select (select count(*)::integer from genq.storage_deletions where run_after < now()) as deletions,
            (select count(*)::integer from genq.webhook_deliveries where status = 'pending') as events`,
      );
      return row ?? { deletions: 0, events: 0 };
    },
    openTasks: () =>
      retried(
        () => sql<OpenTask[]>`
          select kind, status, count(*)::integer as tasks,
            extract(epoch from max(coalesce(lease_until, run_after)) - now())::float8 as seconds
          from genq.tasks where status in ('queued', 'processing') group by kind, status order by kind, status`,
      ),
    countOpen: async () => {
      const rows = await sql<{ kind: string; open: number }[]>`
        select kind, count(*)::integer as open from genq.tasks where status in ('queued', 'processing') group by kind`;
      return new Map(rows.map(({ kind, open }) => [kind, open]));
    },
    [Symbol.asyncDispose]: () => sql.end({ timeout: 2 }),
  };
}
