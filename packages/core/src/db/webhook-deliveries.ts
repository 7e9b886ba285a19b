import type { WebhookError } from "@genq/contract";
import type { Transaction } from "./database.ts";

/** A delivery that this worker has taken: one attempt, to be made within the lease. */
export interface ClaimedDelivery {
  /** The `webhook-id`. */
  id: string;
  userId: string;
  lane: string;
  endpointId: string | null;
  type: string;
  /** The fencing token. */
  attempt: number;
  /** Attempts with this one, since the event or since it was last sent by hand. */
  tries: number;
  body: string;
  /** Null when the endpoint was deleted. */
  url: string | null;
  secrets: string[];
  /** Seconds since 1970 by the database's clock. */
  timestamp: number;
}

export interface ClaimLimits {
  /** Deliveries to take at most. */
  limit: number;
  /** At a time to one receiver, by this worker. */
  perLane: number;
  /** At a time of one user, by this worker. */
  perUser: number;
  leaseMs: number;
}

/**
 * Takes due deliveries: first one of each user, then the second ones, and of a user first one for each receiver.
 * `running` are those that this worker is at already. Any number of workers may do so. It looks at receivers that have
 * something pending, one probe of an index each, and at no more of their backlog than it may take.
 */
export async function claimWebhookDeliveries(
  sql: Transaction,
  limits: ClaimLimits,
  running: readonly { userId: string; lane: string }[],
): Promise<ClaimedDelivery[]> {
  const rows = await sql<
    {
      id: string;
      user_id: string;
      lane: string;
      endpoint_id: string | null;
      type: string;
      attempt: number;
      tries: number;
      body: string;
      url: string | null;
      secrets: string[];
      timestamp: number;
    }[]
  >`
    with recursive lanes as (
      (select user_id, lane from webhook_deliveries
        where status = 'pending'
          and exists (select from webhook_deliveries where status = 'pending' and run_after <= now())
        order by user_id, lane limit 1)
      union all
      (select next.user_id, next.lane from lanes cross join lateral (
        select d.user_id, d.lane from webhook_deliveries d
        where d.status = 'pending' and (d.user_id, d.lane) > (lanes.user_id, lanes.lane)
        order by d.user_id, d.lane limit 1) next)
    ), busy as (
      select * from unnest(${running.map((one) => one.userId)}::uuid[], ${running.map((one) => one.lane)}::uuid[])
        as busy (user_id, lane)
    ), due as (
      select due.id, row_number() over (partition by lanes.user_id order by due.place, random())
          + (select count(*) from busy where busy.user_id = lanes.user_id) as turn
      from lanes left join webhook_endpoints e on e.id = lanes.lane
      cross join lateral (
        select first.id, row_number() over (order by first.run_after) as place from (
          select d.id, d.run_after from webhook_deliveries d
          where d.status = 'pending' and d.user_id = lanes.user_id and d.lane = lanes.lane and d.run_after <= now()
          order by d.run_after
          limit greatest(0, ${limits.perLane} - (select count(*) from busy where busy.lane = lanes.lane))
        ) first
      ) due
      where e.enabled is not false
    ), chosen as (
      select id from webhook_deliveries
      where id in (select id from due where turn <= ${limits.perUser} order by turn, random() limit ${limits.limit})
        and status = 'pending' and run_after <= now()
      for update skip locked
    )
    update webhook_deliveries d set attempt = d.attempt + 1, tries = d.tries + 1,
      run_after = now() + make_interval(secs => ${limits.leaseMs / 1000})
    from chosen where d.id = chosen.id
    returning d.id, d.user_id, d.lane, d.endpoint_id, d.type, d.attempt, d.tries, d.body,
      coalesce(d.url, (select e.url from webhook_endpoints e where e.id = d.endpoint_id)) as url,
      array(select s.secret from webhook_secrets s
        where s.user_id = d.user_id and s.endpoint_id is not distinct from d.endpoint_id
          and (s.expires_at is null or s.expires_at > now())
        order by s.created_at desc) as secrets,
      floor(extract(epoch from now()))::integer as timestamp`;
  return rows.map(({ user_id, endpoint_id, ...row }) => ({
    ...row,
    userId: user_id,
    endpointId: endpoint_id,
  }));
}

export interface AttemptRecord {
  ms: number;
  statusCode: number | null;
  error: WebhookError | null;
  response: string | null;
}

/** What an attempt leads to. `gone`: the endpoint wants no more, and is switched off. */
export type AttemptVerdict =
  | { status: "delivered" }
  | { status: "dead"; gone: boolean }
  | { status: "pending"; delaySeconds: number };

/** Logs an attempt, and moves its delivery on if no other attempt has begun since. */
export async function recordWebhookAttempt(
  sql: Transaction,
  delivery: ClaimedDelivery,
  record: AttemptRecord,
  verdict: AttemptVerdict,
): Promise<void> {
  await sql`
    insert into webhook_attempts (delivery_id, user_id, attempt, at, ms, status_code, error, response)
    select id, user_id, ${delivery.attempt}, now() - make_interval(secs => ${record.ms / 1000}), ${record.ms},
      ${record.statusCode}, ${record.error}, ${record.response}
    from webhook_deliveries where id = ${delivery.id} for update`;
  const mine = sql`id = ${delivery.id} and attempt = ${delivery.attempt} and status = 'pending'`;
  if (verdict.status === "pending") {
    await sql`
      update webhook_deliveries set run_after = now() + make_interval(secs => ${verdict.delaySeconds}) where ${mine}`;
    return;
  }
  const ended = await sql`
    update webhook_deliveries set status = ${verdict.status}, finished_at = now() where ${mine} returning id`;
  if (ended.length > 0 && verdict.status === "dead" && verdict.gone && delivery.endpointId !== null) {
    // Its owner may have given it another URL meanwhile, which has not been heard of yet.
    await sql`
      update webhook_endpoints set enabled = false, disabled_reason = 'gone', updated_at = now()
      where id = ${delivery.endpointId} and enabled and url = ${delivery.url}`;
  }
}

/** What is due and has not been sent, and for how long the oldest could have been. */
export async function selectWebhookLag(sql: Transaction): Promise<{ due: number; oldestSeconds: number }> {
  const [row] = await sql<{ due: number; oldest_seconds: number | null }[]>`
    select count(*)::integer as due, extract(epoch from now() - min(run_after))::float8 as oldest_seconds
    from webhook_deliveries where status = 'pending' and run_after <= now()`;
  return { due: row?.due ?? 0, oldestSeconds: row?.oldest_seconds ?? 0 };
}

/** Forgets deliveries with their logs: done ones after a week, all after a month. Returns how many. */
export async function deleteOldWebhookDeliveries(sql: Transaction, limit = 5000): Promise<number> {
  const rows = await sql`
    delete from webhook_deliveries where id in (
      select id from webhook_deliveries
      where created_at < now() - interval '30 days'
        or (created_at < now() - interval '7 days' and status = 'delivered')
      order by created_at limit ${limit})
    returning id`;
  await sql`delete from webhook_secrets where expires_at < now()`;
  return rows.length;
}
