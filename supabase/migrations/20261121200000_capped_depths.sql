-- Who asks how long the queues are asks every few seconds: no more than 10,000 tasks of a queue are counted, through an
-- index alone.
create or replace function genq.queue_depths() returns table (queue text, waiting bigint)
language sql stable security definer set search_path = '' as $$
  select known.queue, (
    select count(*) from (
      select from genq.tasks t where t.queue = known.queue and t.status = 'queued' limit 10000
    ) counted
  ) from (values ('ingest'), ('embed'), ('generate')) as known (queue)
$$;
