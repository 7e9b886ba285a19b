-- Start-time fair queuing: a queue's tasks are claimed by `turn`, ties oldest first. A task's turn is the queue's virtual
-- time, or one after the last waiting turn of its own user: whatever a user's backlog, with N users waiting each gets a
-- turn within N claims. Setting `turn` to null asks for a fresh one; a task that is given back unharmed keeps its own.
alter table genq.tasks add column turn bigint;
update genq.tasks t set turn = line.place
from (select id, row_number() over (partition by queue, user_id order by created_at, id) - 1 as place from genq.tasks
  where status in ('queued', 'processing')) line
where t.id = line.id;
update genq.tasks set turn = 0 where turn is null;
alter table genq.tasks alter column turn set not null;

drop index genq.tasks_queued;
drop index genq.tasks_queued_user;
drop index genq.tasks_silent;
create index tasks_queued_turn on genq.tasks (queue, turn, created_at, id) where status = 'queued';
create index tasks_queued_user on genq.tasks (queue, user_id, turn, created_at, id) where status = 'queued';
create index tasks_silent on genq.tasks (queue, greatest(rung_at, run_after)) where status = 'queued';
create index tasks_processing_turn on genq.tasks (queue, turn, user_id) where status = 'processing';
create index tasks_queued_expiry on genq.tasks (expires_at) where status = 'queued';

-- Virtual time is the latest turn in service, or the first that waits. A few probes of indexes: plans that are made while
-- the table is small must not scan it as it grows.
create function genq.next_turn(of_queue text, of_user uuid, but_task uuid) returns bigint
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off as $$
declare
  served bigint := (select turn from genq.tasks where queue = of_queue and status = 'processing' order by turn desc limit 1);
  own bigint := (select max(turn) from genq.tasks
    where user_id = of_user and queue = of_queue and status = 'queued' and id <> but_task);
begin
  -- A task in service is its user's latest at most where its turn is the latest of all.
  if exists (select from genq.tasks where queue = of_queue and turn = served and user_id = of_user and status = 'processing'
    and id <> but_task) then
    own := greatest(own, served);
  end if;
  return greatest(own + 1, coalesce(served,
    (select turn from genq.tasks where queue = of_queue and status = 'queued' and id <> but_task order by turn limit 1), 0));
end $$;

create function genq.take_turn() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.turn := genq.next_turn(new.queue, new.user_id, new.id);
  return new;
end $$;
create trigger tasks_turn before insert or update on genq.tasks
  for each row when (new.turn is null) execute function genq.take_turn();

-- Two transactions of one user at the same time take the same turn. Which of them keeps it is decided inside COMMIT, one
-- after the other, each seeing those before it: no lock is held while a client thinks.
create function genq.settle_turn() returns trigger
language plpgsql security definer set search_path = '' set enable_seqscan = off
set genq.writer_attempt = '' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('genq.turn:' || new.queue || new.user_id, 0));
  update genq.tasks t set turn = genq.next_turn(t.queue, t.user_id, t.id)
  where t.id = new.id and t.status = 'queued' and exists (
    select from genq.tasks other where other.user_id = t.user_id and other.queue = t.queue and other.status = 'queued'
      and other.turn = t.turn and other.id <> t.id);
  return null;
end $$;
create constraint trigger tasks_turn_insert after insert on genq.tasks deferrable initially deferred
  for each row execute function genq.settle_turn();
create constraint trigger tasks_turn_update after update on genq.tasks deferrable initially deferred
  for each row when (new.status = 'queued' and old.status <> 'queued') execute function genq.settle_turn();

-- A claim says in genq.running_per_user how many tasks of one user may run in a queue. It is held against the truth inside
-- COMMIT, as above: claims at the same time can't go beyond it together.
create function genq.check_running() returns trigger
language plpgsql security definer set search_path = '' as $$
declare most integer := nullif(current_setting('genq.running_per_user', true), '')::integer;
begin
  if most is null then
    return null;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('genq.running:' || new.queue || new.user_id, 0));
  if (select count(*) from genq.tasks where queue = new.queue and user_id = new.user_id and status = 'processing') > most then
    raise exception 'more than % tasks of user % would run', most, new.user_id using errcode = 'GQ002';
  end if;
  return null;
end $$;
create constraint trigger tasks_running after update on genq.tasks deferrable initially deferred
  for each row when (new.status = 'processing' and old.status = 'queued') execute function genq.check_running();

create or replace function genq.queue_state(task uuid) returns table (ahead integer, eta_seconds double precision)
language sql stable security definer set search_path = '' as $$
  with mine as (select queue, turn, created_at, id from genq.tasks where id = task and status = 'queued'),
  ahead as (
    select count(*)::integer as n from (
      select 1 from genq.tasks t, mine
      where t.status = 'queued' and t.queue = mine.queue
        and (t.turn, t.created_at, t.id) < (mine.turn, mine.created_at, mine.id)
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

-- The files of tasks that ended without their owner's doing have failed with them. A worker sees the files of the user
-- whose task it runs only, and these are of any user.
create function genq.fail_files_of_tasks(ids uuid[]) returns void
language sql volatile security definer set search_path = '' as $$
  update genq.files f set status = 'failed', problem = t.problem, updated_at = now()
  from genq.tasks t
  where t.id = any (ids) and f.task_id = t.id and t.status in ('failed', 'expired') and f.status not in ('ready', 'partial')
$$;
revoke all on function genq.next_turn, genq.fail_files_of_tasks from public;
grant execute on function genq.next_turn to genq_api, genq_worker;
grant execute on function genq.fail_files_of_tasks to genq_worker;
