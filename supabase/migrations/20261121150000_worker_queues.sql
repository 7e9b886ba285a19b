-- The queues whose tasks a worker moves, as it found lately: /ready of the api is about them. Null from workers of an
-- older version, which do not tell.
alter table genq.workers add column queues text[];
