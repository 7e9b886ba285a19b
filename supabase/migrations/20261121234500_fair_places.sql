-- Users take their turns in rounds: `turn` is the round, and a user keeps a place in it for as long as something of theirs
-- waits or was served in the last round. Ties were broken by age before: a user could be the first of one round and the
-- last of the next, and be passed twice by others in between.
alter table genq.tasks add column place bigint not null default 0;
create sequence genq.places;
drop index genq.tasks_queued_turn, genq.tasks_queued_user;
create index tasks_queued_turn on genq.tasks (queue, turn, place) where status = 'queued';
-- Made last, for of equals the planner takes the newest.
create index tasks_queued_user on genq.tasks (user_id, queue, turn) where status = 'queued';

-- The next turns and the places of users of a queue. Who comes anew is the last of the round that is being served.
drop function genq.next_turns;
create function genq.next_turns(of_queue text, of_users uuid[], but_task uuid)
  returns table (user_id uuid, turn bigint, place bigint)
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off as $$
#variable_conflict use_column
declare
  served bigint := (select t.turn from genq.tasks t
    where t.queue = of_queue and t.status in ('processing', 'completed', 'failed') order by t.turn desc limit 1);
  round bigint := coalesce(served, (select t.turn from genq.tasks t
    where t.queue = of_queue and t.status = 'queued' and t.id is distinct from but_task order by t.turn limit 1), 0);
begin
  return query
  select users.id, greatest(round, waiting.turn + 1, past.turn + 1),
    coalesce(case when waiting.turn >= round then waiting.place end, past.place, nextval('genq.places'))
  from unnest(of_users) as users (id)
  left join lateral (
    select t.turn, t.place from genq.tasks t
    where t.user_id = users.id and t.queue = of_queue and t.status = 'queued' and t.id is distinct from but_task
    order by t.turn desc limit 1
  ) waiting on true
  left join lateral (
    select t.turn, t.place from genq.tasks t
    where t.queue = of_queue and t.turn = served and t.user_id = users.id
      and t.status in ('processing', 'completed', 'failed') limit 1
  ) past on true;
end $$;
revoke all on function genq.next_turns from public;
grant execute on function genq.next_turns to genq_api, genq_worker;

create or replace function genq.take_turn() returns trigger
language plpgsql set search_path = '' as $$
begin
  select next.turn, next.place into new.turn, new.place from genq.next_turns(new.queue, array[new.user_id], new.id) next;
  return new;
end $$;

-- As before, with the place.
create or replace function genq.settle_turns(ids uuid[]) returns void
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
    update genq.tasks t set (turn, place) = (
      select next.turn, next.place from genq.next_turns(t.queue, array[t.user_id], t.id) next)
    where t.id = tied and exists (
      select from genq.tasks other where other.user_id = t.user_id and other.queue = t.queue and other.status = 'queued'
        and other.turn = t.turn and other.id <> t.id);
  end loop;
end $$;

-- As before, in the order of rounds.
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
      select t.id, row_number() over (order by t.turn, t.place)::integer - 1 as ahead from genq.tasks t
      where t.status = 'queued' and t.queue = queues.queue and t.turn <= queues.last_turn
      order by t.turn, t.place limit 1000
    ) first
  ),
  places as (
    select mine.id, coalesce(line.ahead, 1000) as ahead, queues.seconds
    from mine join queues using (queue) left join line using (id)
  )
  select places.id, places.ahead, (places.ahead * places.seconds)::double precision from places;
end $$;
