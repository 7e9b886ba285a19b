-- genq's own schema. It is not exposed through PostgREST unless an operator adds it to api.schemas; then row level
-- security shows each user their own rows, read-only.
create schema if not exists genq;
create schema if not exists extensions;
create extension if not exists vector with schema extensions;
set search_path = genq, public, extensions;

-- Two roles without a login: the API and the worker enter one of them at the start of each transaction, so that row
-- level security holds whatever the rights of the user that they connect as.
do $$
begin
  if not exists (select from pg_roles where rolname = 'genq_api') then
    create role genq_api nologin nobypassrls noinherit;
  end if;
  if not exists (select from pg_roles where rolname = 'genq_worker') then
    create role genq_worker nologin nobypassrls noinherit;
  end if;
end $$;
grant genq_api, genq_worker to current_user;

create table genq.files (
  id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  chat_id text,
  name text not null,
  media_type text not null,
  size_bytes bigint not null check (size_bytes > 0),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  storage_key text not null unique,
  status text not null default 'waiting'
    check (status in ('waiting', 'parsing', 'chunking', 'embedding', 'ready', 'partial', 'failed')),
  pages_done integer not null default 0,
  pages_total integer,
  failed_pages integer[] not null default '{}',
  chunks_done integer not null default 0,
  chunks_total integer,
  embedding_model text,
  problem jsonb,
  task_id uuid,
  -- The older file of the same name that this one takes the place of, when it is ready.
  replaces uuid references genq.files (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index files_content on genq.files (user_id, sha256, coalesce(chat_id, ''));
create unique index files_name on genq.files (user_id, name, coalesce(chat_id, '')) where replaces is null;
create unique index files_replaces on genq.files (replaces) where replaces is not null;
create index files_listing on genq.files (user_id, created_at desc, id desc);

create table genq.chunks (
  id bigint generated always as identity primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  file_id uuid not null references genq.files (id) on delete cascade,
  ordinal integer not null,
  page_start integer,
  page_end integer,
  char_start integer not null,
  char_end integer not null,
  token_count integer not null,
  text text not null,
  unique (file_id, ordinal)
);
create index chunks_user on genq.chunks (user_id);

-- Vectors of several models and dimensions share this table; a search names one model. It is exact over the caller's
-- rows by this btree: an HNSW index under a filter by user loses most of the neighbours.
create table genq.embeddings (
  chunk_id bigint not null references genq.chunks (id) on delete cascade,
  model text not null,
  user_id uuid not null references auth.users (id) on delete cascade,
  file_id uuid not null references genq.files (id) on delete cascade,
  embedding vector not null,
  primary key (chunk_id, model)
);
create index embeddings_user_model on genq.embeddings (user_id, model, file_id);
create index embeddings_file on genq.embeddings (file_id);

create table genq.tasks (
  id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  kind text not null,
  queue text not null,
  status text not null default 'queued'
    check (status in ('queued', 'processing', 'completed', 'failed', 'canceled', 'expired')),
  payload jsonb not null,
  result jsonb,
  problem jsonb,
  progress jsonb,
  file_id uuid references genq.files (id) on delete set null,
  -- The fencing token: each claim takes the next number, and only the holder of the latest one may write.
  attempt integer not null default 0,
  -- Lives: 1, and one more for each retry that the user asked for.
  life integer not null default 1,
  life_attempts integer not null default 0,
  unreported_attempts integer not null default 0,
  lease_until timestamptz,
  run_after timestamptz not null default now(),
  rung_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  expires_at timestamptz not null
);
alter table genq.files add foreign key (task_id) references genq.tasks (id) on delete set null;
create index files_task on genq.files (task_id) where task_id is not null;
create index tasks_listing on genq.tasks (user_id, created_at desc, id desc);
create index tasks_file on genq.tasks (file_id) where file_id is not null;
create index tasks_queued on genq.tasks (queue, created_at, id) where status = 'queued';
create index tasks_queued_user on genq.tasks (user_id) where status = 'queued';
create index tasks_silent on genq.tasks (greatest(rung_at, run_after)) where status = 'queued';
create index tasks_leased on genq.tasks (lease_until) where status = 'processing';
create index tasks_recent on genq.tasks (queue, finished_at desc) where status = 'completed';

create table genq.task_transitions (
  id bigint generated always as identity primary key,
  task_id uuid not null references genq.tasks (id) on delete cascade,
  user_id uuid not null,
  from_status text,
  to_status text not null,
  attempt integer not null,
  life integer not null,
  at timestamptz not null default clock_timestamp()
);
create index task_transitions_task on genq.task_transitions (task_id, id);

create table genq.idempotency_keys (
  user_id uuid not null references auth.users (id) on delete cascade,
  key text not null,
  request_hash text not null,
  task_id uuid references genq.tasks (id) on delete cascade,
  file_id uuid references genq.files (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (user_id, key)
);
create index idempotency_keys_created on genq.idempotency_keys (created_at);
create index idempotency_keys_task on genq.idempotency_keys (task_id) where task_id is not null;
create index idempotency_keys_file on genq.idempotency_keys (file_id) where file_id is not null;

-- Objects in storage to delete: written in the transaction that lets go of the file, whoever does (an account that is
-- deleted takes its files along), and ahead of each upload, so that a crash in between leaves no object behind.
create table genq.storage_deletions (
  storage_key text primary key,
  user_id uuid not null,
  run_after timestamptz not null default now()
);
create index storage_deletions_due on genq.storage_deletions (run_after);

create function genq.let_go_of_object() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into genq.storage_deletions (storage_key, user_id) values (old.storage_key, old.user_id)
  on conflict (storage_key) do update set run_after = excluded.run_after;
  return null;
end $$;
create trigger files_object after delete on genq.files
  for each row execute function genq.let_go_of_object();

create table genq.workers (
  id uuid primary key,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  models jsonb not null default '[]'
);

-- Every change of a task's status is recorded here, whoever makes it, and a terminal status is final: the one way out
-- is the retry of a failed task, which starts its next life.
create function genq.record_transition() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' then
    if old.status in ('completed', 'canceled', 'expired', 'failed')
      and not (old.status = 'failed' and new.status = 'queued' and new.life = old.life + 1) then
      raise exception 'task % is %, which is final', old.id, old.status using errcode = 'GQ001';
    end if;
    insert into genq.task_transitions (task_id, user_id, from_status, to_status, attempt, life)
    values (new.id, new.user_id, old.status, new.status, new.attempt, new.life);
  else
    insert into genq.task_transitions (task_id, user_id, from_status, to_status, attempt, life)
    values (new.id, new.user_id, null, new.status, new.attempt, new.life);
  end if;
  return null;
end $$;
create trigger tasks_transition_insert after insert on genq.tasks
  for each row execute function genq.record_transition();
-- An attempt that takes over an abandoned one is recorded too, as processing → processing.
create trigger tasks_transition_update after update of status, attempt on genq.tasks
  for each row when (old.status is distinct from new.status or old.attempt is distinct from new.attempt)
  execute function genq.record_transition();

-- These three look across users, and tell numbers and states only, never content. They run as their owner because the
-- API's role sees the rows of one user.
create function genq.queue_state(task uuid) returns table (ahead integer, eta_seconds double precision)
language sql stable security definer set search_path = '' as $$
  with mine as (select queue, created_at, id from genq.tasks where id = task and status = 'queued'),
  ahead as (
    select count(*)::integer as n from (
      select 1 from genq.tasks t, mine
      where t.status = 'queued' and t.queue = mine.queue and (t.created_at, t.id) < (mine.created_at, mine.id)
      limit 1000
    ) capped
  ),
  recent as (
    select avg(extract(epoch from finished_at - started_at)) as seconds from (
      select t.finished_at, t.started_at from genq.tasks t
      where t.status = 'completed' and t.queue = (select queue from mine)
      order by t.finished_at desc limit 20
    ) last_done
  )
  select coalesce(ahead.n, 0), (ahead.n * recent.seconds)::double precision from ahead, recent
$$;

create function genq.queue_depths() returns table (queue text, waiting bigint)
language sql stable security definer set search_path = '' as $$
  select t.queue, count(*) from genq.tasks t where t.status = 'queued' group by t.queue
$$;

create function genq.task_signals(ids uuid[]) returns table (id uuid, status text, updated_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select t.id, t.status, t.updated_at from genq.tasks t where t.id = any (ids)
$$;
revoke all on function genq.queue_state, genq.queue_depths, genq.task_signals from public;
grant execute on function genq.queue_state, genq.queue_depths, genq.task_signals to genq_api, genq_worker;

alter table genq.files enable row level security;
alter table genq.chunks enable row level security;
alter table genq.embeddings enable row level security;
alter table genq.tasks enable row level security;
alter table genq.task_transitions enable row level security;
alter table genq.idempotency_keys enable row level security;
alter table genq.storage_deletions enable row level security;
alter table genq.workers enable row level security;

grant usage on schema genq, extensions to genq_api, genq_worker;
grant usage on schema genq to authenticated;
grant select on genq.files, genq.chunks, genq.tasks, genq.task_transitions to authenticated;
grant select, insert, update, delete on genq.files, genq.tasks, genq.idempotency_keys, genq.storage_deletions
  to genq_api, genq_worker;
grant select, insert, update, delete on genq.chunks, genq.embeddings, genq.workers to genq_worker;
grant select on genq.chunks, genq.embeddings, genq.workers to genq_api;
grant select on genq.task_transitions to genq_api, genq_worker;
grant usage on schema auth to genq_api, genq_worker;

create policy own_files on genq.files to authenticated, genq_api, genq_worker
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy own_chunks on genq.chunks to authenticated, genq_api, genq_worker
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy own_embeddings on genq.embeddings to genq_api, genq_worker
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy own_tasks on genq.tasks to authenticated, genq_api
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy own_transitions on genq.task_transitions to authenticated, genq_api
  using (user_id = (select auth.uid()));
create policy own_keys on genq.idempotency_keys to genq_api
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy own_deletions on genq.storage_deletions to genq_api
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

-- A worker claims, renews and re-rings the work of any user before it knows whose it is.
create policy any_task on genq.tasks to genq_worker using (true) with check (true);
create policy any_transition on genq.task_transitions to genq_worker using (true);
-- It also sweeps what nobody owns any more: old keys and objects to delete.
create policy any_key on genq.idempotency_keys to genq_worker using (true);
create policy any_deletion on genq.storage_deletions to genq_worker using (true) with check (true);
create policy any_worker on genq.workers to genq_api, genq_worker using (true) with check (true);

reset search_path;
