-- What is done for every task that is written is done for all of a statement at once.

-- The log of transitions. Its rows go with their task, which a foreign key would look up again for each of them.
drop trigger tasks_transition_insert on genq.tasks;
drop trigger tasks_transition_update on genq.tasks;
drop trigger tasks_stale_write on genq.tasks;
drop function genq.record_transition, genq.record_stale_task_write, genq.writer_attempt;
alter table genq.task_transitions drop constraint task_transitions_task_id_fkey;

create function genq.forget_transitions() returns trigger
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
begin
  delete from genq.task_transitions where task_id in (select id from old_tasks);
  return null;
end $$;
create trigger tasks_forgotten after delete on genq.tasks
  referencing old table as old_tasks for each statement execute function genq.forget_transitions();

create function genq.record_new_tasks() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into genq.task_transitions (task_id, user_id, to_status, attempt, life)
  select id, user_id, status, attempt, life from new_tasks;
  return null;
end $$;
create trigger tasks_transition_insert after insert on genq.tasks
  referencing new table as new_tasks for each statement execute function genq.record_new_tasks();

-- Who says that they hold a claim in this transaction.
create function genq.writers() returns table (task_id uuid, attempt integer)
language sql stable rows 1 set search_path = '' as $$
  select distinct split_part(writer, ':', 1)::uuid, split_part(writer, ':', 2)::integer
  from string_to_table(nullif(current_setting('genq.writer_attempt', true), ''), ',') as writer
$$;

-- An attempt that takes over an abandoned one is recorded too, as processing → processing. A claim's writer may write its
-- own running attempt only. The plan is kept for groups of any size, so no nested loops.
create function genq.record_updated_tasks() returns trigger
language plpgsql security definer set search_path = '' set enable_nestloop = off as $$
begin
  insert into genq.task_transitions (task_id, user_id, from_status, to_status, attempt, life, writer_attempt)
  select task.id, task.user_id, was.status, task.status, task.attempt, task.life, writer.attempt
  from old_tasks was join new_tasks task on task.id = was.id left join genq.writers() writer on writer.task_id = was.id
  where was.status <> task.status or was.attempt <> task.attempt;
  if coalesce(current_setting('genq.writer_attempt', true), '') <> '' then
    insert into genq.stale_writes (task_id, relation, writer_attempt, attempt, status)
    select was.id, tg_table_name, writer.attempt, was.attempt, was.status
    from old_tasks was join genq.writers() writer on writer.task_id = was.id
    where writer.attempt <> was.attempt or was.status <> 'processing';
  end if;
  return null;
end $$;
create trigger tasks_transition_update after update on genq.tasks
  referencing old table as old_tasks new table as new_tasks
  for each statement execute function genq.record_updated_tasks();

-- A terminal status is final: the one way out is the retry of a failed task, which starts its next life.
create function genq.refuse_transition() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception 'task % is %, which is final', old.id, old.status using errcode = 'GQ001';
end $$;
create trigger tasks_final after update of status, attempt on genq.tasks
  for each row when (
    old.status in ('completed', 'canceled', 'expired', 'failed')
    and (old.status <> new.status or old.attempt <> new.attempt)
    and not (old.status = 'failed' and new.status = 'queued' and new.life = old.life + 1))
  execute function genq.refuse_transition();

create or replace function genq.record_stale_effect() returns trigger
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
begin
  if coalesce(current_setting('genq.writer_attempt', true), '') <> '' then
    insert into genq.stale_writes (task_id, relation, writer_attempt, attempt, status)
    select t.id, tg_table_name, writer.attempt, t.attempt, t.status
    from genq.writers() writer join genq.tasks t on t.id = writer.task_id
    where t.attempt <> writer.attempt or t.status in ('queued', 'canceled', 'expired');
  end if;
  return null;
end $$;

-- The turns of many users of a queue, each as genq.next_turn told that of one.
create function genq.next_turns(of_queue text, of_users uuid[], but_task uuid) returns table (user_id uuid, turn bigint)
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off as $$
#variable_conflict use_column
declare
  served bigint := (select t.turn from genq.tasks t
    where t.queue = of_queue and t.status in ('processing', 'completed', 'failed') order by t.turn desc limit 1);
  virtual_time bigint := coalesce(served, (select t.turn from genq.tasks t
    where t.queue = of_queue and t.status = 'queued' and t.id is distinct from but_task order by t.turn limit 1), 0);
begin
  return query
  select users.id, greatest(
    virtual_time,
    1 + (select max(t.turn) from genq.tasks t
      where t.user_id = users.id and t.queue = of_queue and t.status = 'queued' and t.id is distinct from but_task),
    -- A task that was served is its user's latest at most where its turn is the latest of all.
    case when exists (select from genq.tasks t where t.queue = of_queue and t.turn = served and t.user_id = users.id
      and t.status in ('processing', 'completed', 'failed') and t.id is distinct from but_task) then served + 1 end)
  from unnest(of_users) as users (id);
end $$;
revoke all on function genq.next_turns from public;
grant execute on function genq.next_turns to genq_api, genq_worker;

create or replace function genq.take_turn() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.turn := (select turn from genq.next_turns(new.queue, array[new.user_id], new.id));
  return new;
end $$;

create or replace function genq.settle_turn() returns trigger
language plpgsql security definer set search_path = '' set enable_seqscan = off
set genq.writer_attempt = '' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('genq.turn:' || new.queue || new.user_id, 0));
  -- Not `status = 'queued' and`: by that an index of all that waits would be searched for the id.
  if exists (
    select from genq.tasks t where t.id = new.id and case t.status when 'queued' then exists (
      select from genq.tasks other where other.user_id = t.user_id and other.queue = t.queue and other.status = 'queued'
        and other.turn = t.turn and other.id <> t.id) end)
  then
    update genq.tasks t set turn = (select next.turn from genq.next_turns(t.queue, array[t.user_id], t.id) next)
    where t.id = new.id;
  end if;
  return null;
end $$;
drop function genq.next_turn;

-- How many tasks wait or run changes faster than statistics are taken. Taken while none wait, they make all indexes of
-- waiting tasks look equally good, and a large backlog is then read through the wrong one again and again.
alter table genq.tasks alter column status set statistics 0;
do $$
begin
  delete from pg_catalog.pg_statistic where starelid = 'genq.tasks'::regclass
    and staattnum = (select attnum from pg_catalog.pg_attribute where attrelid = 'genq.tasks'::regclass and attname = 'status');
exception when insufficient_privilege then
  -- Better statistics that may be wrong for a while than wrong ones that stay.
  alter table genq.tasks alter column status set statistics -1;
end $$;

-- By user first: what waits of a user is counted over all queues at each submit. Made last, for of equals the planner
-- takes the newest.
drop index genq.tasks_queued_user;
create index tasks_queued_user on genq.tasks (user_id, queue, turn, created_at, id) where status = 'queued';

create or replace function genq.queue_states(ids uuid[]) returns table (id uuid, ahead integer, eta_seconds double precision)
language sql stable security definer set search_path = '' as $$
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
  select places.id, places.ahead, (places.ahead * places.seconds)::double precision from places
$$;
