import type { Passage } from "@genq/contract";
import type { Transaction } from "./database.ts";

export interface NewChunk {
  ordinal: number;
  pageStart: number | null;
  pageEnd: number | null;
  charStart: number;
  charEnd: number;
  tokenCount: number;
  text: string;
  /** Of unit length, in the dimensions of `model`. */
  vector: Float32Array;
}

/** How many chunks of a file are stored, and their tokens: ingestion goes on at the ordinal `chunks`. */
export async function countChunks(
  sql: Transaction,
  userId: string,
  fileId: string,
): Promise<{ chunks: number; tokens: number }> {
  const [row] = await sql<{ chunks: number; tokens: number }[]>`
    select count(*)::integer as chunks, coalesce(sum(token_count), 0)::integer as tokens
    from chunks where file_id = ${fileId} and user_id = ${userId}`;
  return row ?? { chunks: 0, tokens: 0 };
}

/** Forgets what is stored of a file, vectors included. */
export async function deleteChunks(sql: Transaction, userId: string, fileId: string): Promise<void> {
  await sql`delete from chunks where file_id = ${fileId} and user_id = ${userId}`;
}

/**
 * Stores a batch of chunks with their vectors, in one statement whatever its size. The natural key is (file, ordinal):
 * storing a batch again changes nothing.
 */
export async function upsertChunks(
  sql: Transaction,
  owner: { userId: string; fileId: string; model: string },
  chunks: NewChunk[],
): Promise<void> {
  if (chunks.length === 0) return;
  // A session keeps the plans of foreign key checks: one made on a small table would scan it whole as it grows.
  await sql`select set_config('enable_seqscan', 'off', true)`;
  await sql`
    with stored as (
      insert into chunks (user_id, file_id, ordinal, page_start, page_end, char_start, char_end, token_count, text)
      select ${owner.userId}, ${owner.fileId}, new.* from unnest(
        ${chunks.map((chunk) => chunk.ordinal)}::int[], ${chunks.map((chunk) => chunk.pageStart)}::int[],
        ${chunks.map((chunk) => chunk.pageEnd)}::int[], ${chunks.map((chunk) => chunk.charStart)}::int[],
        ${chunks.map((chunk) => chunk.charEnd)}::int[], ${chunks.map((chunk) => chunk.tokenCount)}::int[],
        ${chunks.map((chunk) => chunk.text)}::text[]) as new
      on conflict (file_id, ordinal) do update set text = excluded.text, token_count = excluded.token_count,
        page_start = excluded.page_start, page_end = excluded.page_end, char_start = excluded.char_start,
        char_end = excluded.char_end
      returning id, ordinal
    )
    insert into embeddings (chunk_id, model, user_id, file_id, embedding)
    select stored.id, ${owner.model}, ${owner.userId}, ${owner.fileId}, vectors.vector::vector
    from stored join unnest(${chunks.map((chunk) => chunk.ordinal)}::int[], ${chunks.map((chunk) => toVectorLiteral(chunk.vector))}::text[])
      as vectors (ordinal, vector) using (ordinal)
    on conflict (chunk_id, model) do update set embedding = excluded.embedding`;
}

/**
 * Nine decimals are closer than a float32 of a unit vector is exact. The double's seventeen digits cost a fifth of
 * the whole insert.
 */
function toVectorLiteral(vector: Float32Array): string {
  let literal = "[";
  for (const value of vector) literal += `${Math.round(value * 1e9) / 1e9},`;
  return `${literal.slice(0, -1)}]`;
}

export interface NearestQuery {
  userId: string;
  model: string;
  vector: Float32Array;
  k: number;
  fileIds?: string[] | undefined;
  minScore?: number | undefined;
}

/**
 * The k nearest chunks of one user by cosine similarity, exact: a btree finds the user's vectors of the model, and all
 * of them are compared. Vectors are of unit length, so the inner product is the cosine.
 */
export async function selectNearestChunks(sql: Transaction, query: NearestQuery): Promise<Passage[]> {
  const vector = toVectorLiteral(query.vector);
  const rows = await sql<
    {
      id: string;
      file_id: string;
      name: string;
      page_start: number | null;
      page_end: number | null;
      text: string;
      score: number;
    }[]
  >`
    with nearest as (
      select e.chunk_id, -(e.embedding <#> ${vector}::vector) as score from embeddings e
      where e.user_id = ${query.userId} and e.model = ${query.model}
        ${query.fileIds === undefined ? sql`` : sql`and e.file_id = any (${query.fileIds}::uuid[])`}
        and e.file_id in (select id from files where user_id = ${query.userId} and status in ('ready', 'partial'))
        ${query.minScore === undefined ? sql`` : sql`and -(e.embedding <#> ${vector}::vector) >= ${query.minScore}`}
      order by e.embedding <#> ${vector}::vector, e.chunk_id limit ${query.k}
    )
    select c.id, c.file_id, f.name, c.page_start, c.page_end, c.text, nearest.score
    from nearest join chunks c on c.id = nearest.chunk_id join files f on f.id = c.file_id
    where c.user_id = ${query.userId}
    order by nearest.score desc, c.id`;
  return rows.map((row) => ({
    chunk_id: String(row.id),
    file_id: row.file_id,
    file_name: row.name,
    page: row.page_start,
    page_end: row.page_end,
    text: row.text,
    score: row.score,
  }));
}
