-- Webhooks (Standard Webhooks): who is told when a task has ended, with which secrets, and what came of it.
set search_path = genq, public, extensions;

create table genq.webhook_endpoints (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  url text not null,
  description text not null default '',
  event_types text[] not null,
  enabled boolean not null default true,
  -- Why genq itself switched it off: 'gone' when it answered 410.
  disabled_reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index webhook_endpoints_listing on genq.webhook_endpoints (user_id, created_at desc, id desc);

-- The secrets of an endpoint, or, without one, of the user's webhooks of single tasks. Several live while rotating.
create table genq.webhook_secrets (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  endpoint_id uuid references genq.webhook_endpoints (id) on delete cascade,
  secret text not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz
);
create index webhook_secrets_owner on genq.webhook_secrets (user_id, endpoint_id);
create index webhook_secrets_endpoint on genq.webhook_secrets (endpoint_id);

alter table genq.tasks add column webhook_url text;
alter table genq.idempotency_keys
  add column webhook_id uuid references genq.webhook_endpoints (id) on delete cascade;
create index idempotency_keys_webhook on genq.idempotency_keys (webhook_id) where webhook_id is not null;

-- The outbox: one event for one receiver. Its id is the webhook-id of every attempt. There is no foreign key to the
-- endpoint: a task must be able to end while its owner deletes one.
create table genq.webhook_deliveries (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  endpoint_id uuid,
  -- For the webhook of a single task.
  url text,
  -- The receiver: attempts in one lane do not hold up those in another.
  lane uuid not null,
  task_id uuid,
  life integer,
  type text not null,
  body text not null,
  status text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
  -- The fencing token of attempts, as tasks have it.
  attempt integer not null default 0,
  -- Attempts since the event, or since it was last sent by hand: they choose the pause.
  tries integer not null default 0,
  -- When it is due; while an attempt runs, when that one counts as lost.
  run_after timestamptz not null default now(),
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  unique (task_id, life, lane)
);
create index webhook_deliveries_lanes on genq.webhook_deliveries (user_id, lane, run_after) where status = 'pending';
create index webhook_deliveries_due on genq.webhook_deliveries (run_after) where status = 'pending';
create index webhook_deliveries_listing on genq.webhook_deliveries (user_id, endpoint_id, created_at desc, id desc);
create index webhook_deliveries_old on genq.webhook_deliveries (created_at);

create table genq.webhook_attempts (
  id bigint generated always as identity primary key,
  delivery_id uuid not null references genq.webhook_deliveries (id) on delete cascade,
  user_id uuid not null,
  attempt integer not null,
  at timestamptz not null,
  ms integer not null,
  status_code integer,
  error text,
  response text
);
create index webhook_attempts_delivery on genq.webhook_attempts (delivery_id, id);

create function genq.rfc3339(at timestamptz) returns text language sql stable set search_path = '' as $$
  select to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- In the transaction that ends the task, whoever does it: one event for each receiver. The body is bounded: what a
-- task was asked and what came of it stay with the task.
create function genq.write_webhook_deliveries() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into genq.webhook_deliveries (user_id, endpoint_id, url, lane, task_id, life, type, body)
  select new.user_id, receiver.endpoint_id, receiver.url, receiver.lane, new.id, new.life, 'task.' || new.status,
    json_build_object(
      'type', 'task.' || new.status,
      'timestamp', genq.rfc3339(new.finished_at),
      'data', json_build_object(
        'id', new.id,
        'kind', new.kind,
        'status', new.status,
        'attempt', new.attempt,
        'file_id', new.file_id,
        'problem', (new.problem - 'errors') || jsonb_build_object('detail', left(new.problem ->> 'detail', 2000)),
        'created_at', genq.rfc3339(new.created_at),
        'started_at', genq.rfc3339(new.started_at),
        'finished_at', genq.rfc3339(new.finished_at),
        'urls', json_build_object('self', '/task/' || new.id)
      )
    )::text
  from (
    select e.id as endpoint_id, null::text as url, e.id as lane from genq.webhook_endpoints e
    where e.user_id = new.user_id and e.enabled and 'task.' || new.status = any (e.event_types)
    union all
    select null, new.webhook_url, md5(new.user_id::text || new.webhook_url)::uuid where new.webhook_url is not null
  ) receiver
  on conflict (task_id, life, lane) do nothing;
  return null;
end $$;
create trigger tasks_webhooks after update of status on genq.tasks
  for each row when (
    new.status in ('completed', 'failed', 'canceled', 'expired') and old.status is distinct from new.status)
  execute function genq.write_webhook_deliveries();

alter table genq.webhook_endpoints enable row level security;
alter table genq.webhook_secrets enable row level security;
alter table genq.webhook_deliveries enable row level security;
alter table genq.webhook_attempts enable row level security;

grant select, insert, update, delete on genq.webhook_endpoints to genq_api;
grant select, update on genq.webhook_endpoints to genq_worker;
-- Who serves requests can write a secret, and never read one.
grant insert, delete, update (expires_at), select (id, user_id, endpoint_id, created_at, expires_at)
  on genq.webhook_secrets to genq_api;
grant select, delete on genq.webhook_secrets to genq_worker;
grant select, insert, delete, update (status, tries, run_after, finished_at) on genq.webhook_deliveries to genq_api;
grant select, update, delete on genq.webhook_deliveries to genq_worker;
grant select on genq.webhook_attempts to genq_api;
grant select, insert on genq.webhook_attempts to genq_worker;

create policy own_endpoints on genq.webhook_endpoints to genq_api
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy own_secrets on genq.webhook_secrets to genq_api
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy own_deliveries on genq.webhook_deliveries to genq_api
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy own_attempts on genq.webhook_attempts to genq_api using (user_id = (select auth.uid()));
create policy any_endpoint on genq.webhook_endpoints to genq_worker using (true) with check (true);
create policy any_secret on genq.webhook_secrets to genq_worker using (true);
create policy any_delivery on genq.webhook_deliveries to genq_worker using (true) with check (true);
create policy any_attempt on genq.webhook_attempts to genq_worker using (true) with check (true);

reset search_path;
