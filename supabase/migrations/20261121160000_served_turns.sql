-- Virtual time outlives the tasks that moved it. With only those in service to tell it, two users who submit again as
-- soon as they are served would get the same turn again and again, and hold up everyone who waits at the next one.
create index tasks_served_turn on genq.tasks (queue, turn, user_id) where status in ('processing', 'completed', 'failed');

create or replace function genq.next_turn(of_queue text, of_user uuid, but_task uuid) returns bigint
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off as $$
declare
  served bigint := (select turn from genq.tasks
    where queue = of_queue and status in ('processing', 'completed', 'failed') order by turn desc limit 1);
  own bigint := (select max(turn) from genq.tasks
    where user_id = of_user and queue = of_queue and status = 'queued' and id <> but_task);
begin
  -- A task that was served is its user's latest at most where its turn is the latest of all.
  if exists (select from genq.tasks where queue = of_queue and turn = served and user_id = of_user
    and status in ('processing', 'completed', 'failed') and id <> but_task) then
    own := greatest(own, served);
  end if;
  return greatest(own + 1, coalesce(served,
    (select turn from genq.tasks where queue = of_queue and status = 'queued' and id <> but_task order by turn limit 1), 0));
end $$;
