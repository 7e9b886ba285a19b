-- What each statement or COMMIT does for the tasks that it wrote, it does once for all of them, by plans that are kept.

-- Inlined where they are used. With a search path of their own they were planned again at each call.
create or replace function genq.writers() returns table (task_id uuid, attempt integer)
language sql stable begin atomic
  select distinct split_part(writer, ':', 1)::uuid, split_part(writer, ':', 2)::integer
  from string_to_table(nullif(current_setting('genq.writer_attempt', true), ''), ',') as writer;
end;
create or replace function genq.submitting_users() returns uuid[]
language sql stable
return string_to_array(nullif(current_setting('genq.submitting_users', true), ''), ',')::uuid[];

-- As before, but its plan is kept for the session, which `language sql` does not do.
create or replace function genq.queue_states(ids uuid[]) returns table (id uuid, ahead integer, eta_seconds double precision)
language plpgsql stable security definer set search_path = '' set enable_seqscan = off as $$
#variable_conflict use_column
begin
  return query
  with named as materialized (select t.id, t.queue, t.status, t.turn from genq.tasks t where t.id = any (ids)),
  mine as (select named.id, named.queue, named.turn from named where named.status = 'queued'),
  queues as materialized (
    select names.queue, names.last_turn, (
      select avg(extract(epoch from done.finished_at - done.started_at)) from (
        select t.finished_at, t.started_at from genq.tasks t
        where t.status = 'completed' and t.queue = names.queue order by t.finished_at desc limit 20
      ) done
    ) as seconds
    from (select mine.queue, max(mine.turn) as last_turn from mine group by mine.queue) names
  ),
  line as materialized (
    select first.id, first.ahead from queues cross join lateral (
      select t.id, row_number() over (order by t.turn, t.created_at, t.id)::integer - 1 as ahead from genq.tasks t
      where t.status = 'queued' and t.queue = queues.queue and t.turn <= queues.last_turn
      order by t.turn, t.created_at, t.id limit 1000
    ) first
  ),
  places as (
    select mine.id, coalesce(line.ahead, 1000) as ahead, queues.seconds
    from mine join queues using (queue) left join line using (id)
  )
  select places.id, places.ahead, (places.ahead * places.seconds)::double precision from places;
end $$;

-- The log of transitions, as before. It also notes, for COMMIT, which tasks it has to settle the turns of and which it has
-- to count as running, and writes the webhooks of those that have ended.
create or replace function genq.record_new_tasks() returns trigger
language plpgsql security definer set search_path = '' as $$
declare queued text;
begin
  with logged as (
    insert into genq.task_transitions (task_id, user_id, to_status, attempt, life)
    select id, user_id, status, attempt, life from new_tasks
    returning task_id, to_status
  )
  select string_agg(task_id::text, ',') filter (where to_status = 'queued') into queued from logged;
  if queued is not null then
    perform set_config('genq.queued', concat_ws(',', nullif(current_setting('genq.queued', true), ''), queued), true);
  end if;
  return null;
end $$;

create or replace function genq.record_updated_tasks() returns trigger
language plpgsql security definer set search_path = '' set enable_nestloop = off as $$
declare
  queued text;
  started text;
  ended uuid[];
begin
  with logged as (
    insert into genq.task_transitions (task_id, user_id, from_status, to_status, attempt, life, writer_attempt)
    select task.id, task.user_id, was.status, task.status, task.attempt, task.life, writer.attempt
    from old_tasks was join new_tasks task on task.id = was.id left join genq.writers() writer on writer.task_id = was.id
    where was.status <> task.status or was.attempt <> task.attempt
    returning task_id, from_status, to_status
  )
  select string_agg(task_id::text, ',') filter (where to_status = 'queued' and from_status <> 'queued'),
    string_agg(task_id::text, ',') filter (where to_status = 'processing' and from_status = 'queued'),
    array_agg(task_id) filter (
      where to_status in ('completed', 'failed', 'canceled', 'expired') and from_status <> to_status)
  into queued, started, ended from logged;
  if queued is not null then
    perform set_config('genq.queued', concat_ws(',', nullif(current_setting('genq.queued', true), ''), queued), true);
  end if;
  if started is not null then
    perform set_config('genq.started', concat_ws(',', nullif(current_setting('genq.started', true), ''), started), true);
  end if;
  if ended is not null then
    perform genq.write_webhook_deliveries(ended);
  end if;
  if current_setting('genq.writer_attempt', true) <> '' then
    insert into genq.stale_writes (task_id, relation, writer_attempt, attempt, status)
    select was.id, tg_table_name, writer.attempt, was.attempt, was.status
    from old_tasks was join genq.writers() writer on writer.task_id = was.id
    where writer.attempt <> was.attempt or was.status <> 'processing';
  end if;
  return null;
end $$;

-- In the transaction that ends the tasks, whoever does it: one event for each receiver. The body is bounded: what a
-- task was asked and what came of it stay with the task.
drop trigger tasks_webhooks on genq.tasks;
drop function genq.write_webhook_deliveries();
create function genq.write_webhook_deliveries(ended uuid[]) returns void
language plpgsql security definer set search_path = '' set enable_seqscan = off
set enable_nestloop = on as $$
begin
  insert into genq.webhook_deliveries (user_id, endpoint_id, url, lane, task_id, life, type, body)
  select task.user_id, receiver.endpoint_id, receiver.url, receiver.lane, task.id, task.life, 'task.' || task.status,
    json_build_object(
      'type', 'task.' || task.status,
      'timestamp', genq.rfc3339(task.finished_at),
      'data', json_build_object(
        'id', task.id,
        'kind', task.kind,
        'status', task.status,
        'attempt', task.attempt,
        'file_id', task.file_id,
        'problem', (task.problem - 'errors') || jsonb_build_object('detail', left(task.problem ->> 'detail', 2000)),
        'created_at', genq.rfc3339(task.created_at),
        'started_at', genq.rfc3339(task.started_at),
        'finished_at', genq.rfc3339(task.finished_at),
        'urls', json_build_object('self', '/task/' || task.id)
      )
    )::text
  from genq.tasks task cross join lateral (
    select e.id as endpoint_id, null::text as url, e.id as lane from genq.webhook_endpoints e
    where e.user_id = task.user_id and e.enabled and 'task.' || task.status = any (e.event_types)
    union all
    select null, task.webhook_url, md5(task.user_id::text || task.webhook_url)::uuid where task.webhook_url is not null
  ) receiver
  where task.id = any (ended)
  on conflict (task_id, life, lane) do nothing;
end $$;

-- Two transactions of one user at the same time take the same turn. Which of them keeps it is decided inside COMMIT, one
-- after the other, each seeing those before it: no lock is held while a client thinks. Users are locked in one order.
create function genq.settle_turns(ids uuid[]) returns void
language plpgsql security definer set search_path = '' set enable_seqscan = off set genq.writer_attempt = '' as $$
declare tied uuid;
begin
  perform pg_advisory_xact_lock(hashtextextended('genq.turn:' || lines.queue || lines.user_id, 0))
  from (select distinct t.user_id, t.queue from genq.tasks t where t.id = any (ids) order by t.user_id, t.queue) lines;
  -- Not `status = 'queued' and`: by that an index of all that waits would be searched for the id.
  for tied in
    select t.id from genq.tasks t where t.id = any (ids) and case t.status when 'queued' then exists (
      select from genq.tasks other where other.user_id = t.user_id and other.queue = t.queue and other.status = 'queued'
        and other.turn = t.turn and other.id <> t.id) end
    order by t.user_id, t.queue, t.turn, t.created_at, t.id
  loop
    update genq.tasks t set turn = (select next.turn from genq.next_turns(t.queue, array[t.user_id], t.id) next)
    where t.id = tied and exists (
      select from genq.tasks other where other.user_id = t.user_id and other.queue = t.queue and other.status = 'queued'
        and other.turn = t.turn and other.id <> t.id);
  end loop;
end $$;

-- A claim says in genq.running_per_user how many tasks of one user may run in a queue. It is held against the truth inside
-- COMMIT, as above: claims at the same time can't go beyond it together.
create function genq.check_started(ids uuid[], most integer) returns void
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
declare
  users uuid[];
  queues text[];
  beyond uuid;
begin
  select array_agg(lines.user_id), array_agg(lines.queue) into users, queues
  from (select distinct t.user_id, t.queue from genq.tasks t where t.id = any (ids) order by t.user_id, t.queue) lines;
  perform pg_advisory_xact_lock(hashtextextended('genq.running:' || lines.queue || lines.user_id, 0))
  from unnest(users, queues) as lines (user_id, queue);
  select t.user_id into beyond from genq.tasks t
  where t.status = 'processing' and (t.user_id, t.queue) in (select * from unnest(users, queues))
  group by t.user_id, t.queue having count(*) > most limit 1;
  if found then
    raise exception 'more than % tasks of user % would run', most, beyond using errcode = 'GQ002';
  end if;
end $$;

-- Run for each row, as triggers of COMMIT must: the first takes what is noted of all of them. They have no search path of
-- their own and are no security definers, which would cost more than the rest.
create or replace function genq.settle_turn() returns trigger language plpgsql as $$
declare noted text := current_setting('genq.queued', true);
begin
  if noted <> '' then
    perform set_config('genq.queued', '', true);
    perform genq.settle_turns(string_to_array(noted, ',')::uuid[]);
  end if;
  return null;
end $$;
create or replace function genq.check_running() returns trigger language plpgsql as $$
declare
  noted text := current_setting('genq.started', true);
  most text := current_setting('genq.running_per_user', true);
begin
  if noted <> '' then
    perform set_config('genq.started', '', true);
    if most <> '' then
      perform genq.check_started(string_to_array(noted, ',')::uuid[], most::integer);
    end if;
  end if;
  return null;
end $$;
revoke all on function genq.settle_turns, genq.check_started, genq.write_webhook_deliveries from public;
grant execute on function genq.settle_turns, genq.check_started to genq_api, genq_worker;

-- One index of the log tells both the order of a task's transitions and which row is which.
alter table genq.task_transitions drop constraint task_transitions_pkey, add primary key (task_id, id);
drop index genq.task_transitions_task;
