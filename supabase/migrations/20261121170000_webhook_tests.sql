-- A test of an endpoint is an event of no task. It is sent once: who asks wants to know now.
alter table genq.idempotency_keys
  add column delivery_id uuid references genq.webhook_deliveries (id) on delete cascade;
create index idempotency_keys_delivery on genq.idempotency_keys (delivery_id) where delivery_id is not null;
