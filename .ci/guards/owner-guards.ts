import type { Guard } from "./guard.ts";

const file = "packages/core/src/db/owners.int.test.ts";
const schema = "supabase/migrations/20261121000000_genq.sql";
const tasks = "packages/core/src/db/tasks.ts";
const files = "packages/core/src/db/files.ts";

/** A query that forgets whose rows it is about. */
function query(name: string, where: string, edit: { file: string; find: string }, test: string): Guard {
  return {
    name: `query-${name}`,
    protects: `${where} of another user's, were it not for row level security.`,
    edits: [{ ...edit, replace: edit.find.replace(` and user_id = \${userId}`, "") }],
    test: { file, name: `a query of another user, without row level security ${test}` },
  };
}

/** A policy that shows everything. */
function policy(table: string, header: string): Guard {
  return {
    name: `policy-${table}`,
    protects: `A query that forgets its user shows all ${table}.`,
    edits: [
      {
        file: schema,
        find: `${header}\n  using (user_id = (select auth.uid()))`,
        replace: `${header}\n  using (true)`,
      },
    ],
    test: { file, name: `row level security alone hides ${table} of another user` },
  };
}

/** Two walls between users, each taken down while the other stands. */
export const ownerGuards: Guard[] = [
  query(
    "select-task",
    "Reads a task",
    { file: tasks, find: `from tasks where id = \${id} and user_id = \${userId}\`` },
    "reads no task",
  ),
  query(
    "cancel-task",
    "Cancels a task",
    {
      file: tasks,
      find: `where id = \${id} and user_id = \${userId} and status in ('queued', 'processing') returning id`,
    },
    "cancels no task",
  ),
  query(
    "retry-task",
    "Retries a task",
    { file: tasks, find: `where id = \${task.id} and user_id = \${userId} and status = 'failed'` },
    "retries no task",
  ),
  query(
    "delete-task",
    "Deletes a task",
    { file: tasks, find: `delete from tasks where id = \${id} and user_id = \${userId}` },
    "deletes no task",
  ),
  query(
    "select-file",
    "Reads a file",
    { file: files, find: `from files where id = \${id} and user_id = \${userId}\`` },
    "reads and deletes no file",
  ),
  {
    name: "query-list-tasks",
    protects: "Lists tasks of other users, were it not for row level security.",
    edits: [
      {
        file: tasks,
        find: `where user_id = \${userId}\n      \${query.status`,
        replace: `where true\n      \${query.status`,
      },
    ],
    test: { file, name: "a query of another user, without row level security lists no task" },
  },
  {
    name: "idempotency-per-user",
    protects: "A key finds another user's task.",
    edits: [
      {
        file: "packages/core/src/db/idempotency.ts",
        find: `where user_id = \${userId} and key = \${key} and created_at >= now()`,
        replace: `where key = \${key} and created_at >= now()`,
      },
      { file: schema, find: "  primary key (user_id, key)\n", replace: "  primary key (key)\n" },
    ],
    test: { file, name: "a query of another user, without row level security finds no key" },
  },
  policy("tasks", "create policy own_tasks on genq.tasks to authenticated, genq_api"),
  policy(
    "task_transitions",
    "create policy own_transitions on genq.task_transitions to authenticated, genq_api",
  ),
  policy("files", "create policy own_files on genq.files to authenticated, genq_api, genq_worker"),
  policy("chunks", "create policy own_chunks on genq.chunks to authenticated, genq_api, genq_worker"),
  policy("embeddings", "create policy own_embeddings on genq.embeddings to genq_api, genq_worker"),
  policy("idempotency_keys", "create policy own_keys on genq.idempotency_keys to genq_api"),
  policy("storage_deletions", "create policy own_deletions on genq.storage_deletions to genq_api"),
];
