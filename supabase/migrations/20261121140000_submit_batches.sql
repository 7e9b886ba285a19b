-- The API submits tasks of several users in one transaction. Row level security stands behind it: the transaction names
-- the users, and sees and writes no other's tasks and keys.
create function genq.submitting_users() returns uuid[]
language sql stable set search_path = '' as $$
  select string_to_array(nullif(current_setting('genq.submitting_users', true), ''), ',')::uuid[]
$$;
create policy submitted_tasks on genq.tasks for select to genq_api
  using (user_id = any ((select genq.submitting_users())::uuid[]));
create policy submitting_tasks on genq.tasks for insert to genq_api
  with check (user_id = any ((select genq.submitting_users())::uuid[]));
create policy submitting_keys on genq.idempotency_keys to genq_api
  using (user_id = any ((select genq.submitting_users())::uuid[]))
  with check (user_id = any ((select genq.submitting_users())::uuid[]));

-- genq.queue_state of many tasks, in one look at each queue.
create function genq.queue_states(ids uuid[]) returns table (id uuid, ahead integer, eta_seconds double precision)
language sql stable security definer set search_path = '' as $$
  with mine as (select t.id, t.queue from genq.tasks t where t.id = any (ids) and t.status = 'queued'),
  queues as materialized (
    select names.queue,
      array(
        select t.id from genq.tasks t where t.status = 'queued' and t.queue = names.queue
        order by t.turn, t.created_at, t.id limit 1000
      ) as line,
      (
        select avg(extract(epoch from done.finished_at - done.started_at)) from (
          select t.finished_at, t.started_at from genq.tasks t
          where t.status = 'completed' and t.queue = names.queue order by t.finished_at desc limit 20
        ) done
      ) as seconds
    from (select distinct mine.queue from mine) names
  ),
  places as (
    select mine.id, coalesce(array_position(queues.line, mine.id) - 1, 1000) as ahead, queues.seconds
    from mine join queues using (queue)
  )
  select places.id, places.ahead, (places.ahead * places.seconds)::double precision from places
$$;
revoke all on function genq.queue_states from public;
grant execute on function genq.queue_states to genq_api;
