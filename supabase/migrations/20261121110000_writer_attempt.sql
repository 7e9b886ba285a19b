-- Who wrote: the transaction of a claim says `genq.writer_attempt` = `task:attempt` (several: separated by commas), and
-- the log of transitions keeps the number. Null is a writer that holds no claim: the API, a reconciler, the claim itself.
-- What a stale attempt managed to write, to whatever table, is noted in genq.stale_writes, which stays empty as long as
-- the fence holds.
alter table genq.task_transitions add column writer_attempt integer;

create table genq.stale_writes (
  id bigint generated always as identity primary key,
  -- No reference: what was noted outlives the task.
  task_id uuid not null,
  relation text not null,
  writer_attempt integer not null,
  attempt integer not null,
  status text not null,
  at timestamptz not null default clock_timestamp()
);
alter table genq.stale_writes enable row level security;
grant select on genq.stale_writes to genq_worker;
create policy any_stale_write on genq.stale_writes for select to genq_worker using (true);

-- Null also where the setting was local to an earlier transaction: then it is left as an empty text.
create function genq.writer_attempt(task uuid) returns integer
language sql stable set search_path = '' as $$
  select nullif(split_part(split_part(current_setting('genq.writer_attempt', true), task::text || ':', 2), ',', 1), '')::integer
$$;

create or replace function genq.record_transition() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' then
    if old.status in ('completed', 'canceled', 'expired', 'failed')
      and not (old.status = 'failed' and new.status = 'queued' and new.life = old.life + 1) then
      raise exception 'task % is %, which is final', old.id, old.status using errcode = 'GQ001';
    end if;
    insert into genq.task_transitions (task_id, user_id, from_status, to_status, attempt, life, writer_attempt)
    values (new.id, new.user_id, old.status, new.status, new.attempt, new.life, genq.writer_attempt(new.id));
  else
    insert into genq.task_transitions (task_id, user_id, from_status, to_status, attempt, life)
    values (new.id, new.user_id, null, new.status, new.attempt, new.life);
  end if;
  return null;
end $$;

-- A claim's writer may write its own running attempt only.
create function genq.record_stale_task_write() returns trigger
language plpgsql security definer set search_path = '' as $$
declare writer integer := genq.writer_attempt(new.id);
begin
  if writer is not null and (writer <> old.attempt or old.status <> 'processing') then
    insert into genq.stale_writes (task_id, relation, writer_attempt, attempt, status)
    values (new.id, tg_table_name, writer, old.attempt, old.status);
  end if;
  return null;
end $$;
create trigger tasks_stale_write after update on genq.tasks
  for each row when (coalesce(current_setting('genq.writer_attempt', true), '') <> '')
  execute function genq.record_stale_task_write();

-- The same for what a task's effects are written to. Its own transaction may have ended the task just before.
create function genq.record_stale_effect() returns trigger
language plpgsql security definer set search_path = '' as $$
declare setting text := coalesce(current_setting('genq.writer_attempt', true), '');
begin
  if setting <> '' then
    insert into genq.stale_writes (task_id, relation, writer_attempt, attempt, status)
    select t.id, tg_table_name, split_part(writer, ':', 2)::integer, t.attempt, t.status
    from string_to_table(setting, ',') as writer join genq.tasks t on t.id = split_part(writer, ':', 1)::uuid
    where t.attempt <> split_part(writer, ':', 2)::integer or t.status in ('queued', 'canceled', 'expired');
  end if;
  return null;
end $$;
create trigger files_stale_write after insert or update or delete on genq.files
  for each statement execute function genq.record_stale_effect();
create trigger chunks_stale_write after insert or update or delete on genq.chunks
  for each statement execute function genq.record_stale_effect();
create trigger embeddings_stale_write after insert or update or delete on genq.embeddings
  for each statement execute function genq.record_stale_effect();
