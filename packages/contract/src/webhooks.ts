import { z } from "zod";
import { jobKinds } from "./jobs.ts";
import { problemSchema } from "./problems.ts";
import { pageQuerySchema, pageSchema, textSchema, timestampSchema, uuidSchema } from "./scalars.ts";
import { webhookUrlSchema } from "./task-webhook.ts";
import { terminalTaskStatuses } from "./tasks.ts";

export const webhookLimits = {
  /** Endpoints of one user. */
  endpoints: 20,
  descriptionCharacters: 200,
  /** How long the secrets before a new one stay valid. */
  secretOverlapHours: 24,
  /** Secrets that are valid at a time, of one endpoint. */
  secrets: 4,
  /** Of one delivery in its log, the latest. */
  attemptsShown: 20,
  /** Of a receiver's answer in the log. */
  responseCharacters: 1024,
} as const;

export const webhookEventTypes = ["task.completed", "task.failed", "task.canceled", "task.expired"] as const;
export type WebhookEventType = (typeof webhookEventTypes)[number];

/** What `POST /webhooks/{id}/test` sends. It needs no subscription. */
export const webhookTestType = "webhook.test";

const taskEventSchema = z.object({
  type: z.enum(webhookEventTypes),
  timestamp: timestampSchema,
  data: z.object({
    id: uuidSchema,
    kind: z.enum(jobKinds),
    status: z.enum(terminalTaskStatuses),
    attempt: z.int(),
    file_id: uuidSchema.nullable(),
    problem: problemSchema.nullable(),
    created_at: timestampSchema,
    started_at: timestampSchema.nullable(),
    finished_at: timestampSchema,
    urls: z.object({ self: z.string() }),
  }),
});

const testEventSchema = z.object({
  type: z.literal(webhookTestType),
  timestamp: timestampSchema,
  data: z.object({ webhook_id: uuidSchema }),
});

/**
 * What a receiver gets as the body, 64 KB at most: the task without what was asked and what came of it, or the test of an
 * endpoint.
 */
export const webhookEventSchema = z
  .discriminatedUnion("type", [taskEventSchema, testEventSchema])
  .meta({ id: "WebhookEvent" });
export type WebhookEvent = z.infer<typeof webhookEventSchema>;

const eventTypesSchema = z
  .array(z.enum(webhookEventTypes))
  .min(1)
  .max(webhookEventTypes.length)
  .transform((types) => [...new Set(types)])
  .meta({ description: "The events that it hears of; all of them unless said" });
const descriptionSchema = textSchema(webhookLimits.descriptionCharacters);

/** Body of `POST /webhooks`. */
export const createWebhookSchema = z
  .strictObject({
    url: webhookUrlSchema,
    description: descriptionSchema.default(""),
    event_types: eventTypesSchema.default([...webhookEventTypes]),
  })
  .meta({ id: "CreateWebhook" });
export type CreateWebhook = z.infer<typeof createWebhookSchema>;
/** What a client sends: fields with a default may be left out. */
export type WebhookInput = z.input<typeof createWebhookSchema>;

/** Body of `PATCH /webhooks/{id}`: what is left out stays. */
export const updateWebhookSchema = z
  .strictObject({
    url: webhookUrlSchema.optional(),
    description: descriptionSchema.optional(),
    event_types: eventTypesSchema.optional(),
    enabled: z.boolean().optional().meta({ description: "While it is off, what waits for it keeps waiting" }),
  })
  .meta({ id: "UpdateWebhook" });
export type UpdateWebhook = z.infer<typeof updateWebhookSchema>;

const webhookShape = {
  id: uuidSchema,
  url: z.string(),
  description: z.string(),
  event_types: z.array(z.enum(webhookEventTypes)),
  enabled: z.boolean(),
  disabled_reason: z
    .enum(["gone"])
    .nullable()
    .meta({ description: "`gone`: it answered 410, and was switched off" }),
  created_at: timestampSchema,
  updated_at: timestampSchema,
};

/** An endpoint of a user, without its secrets. */
export const webhookSchema = z.object(webhookShape).meta({ id: "Webhook" });
export type Webhook = z.infer<typeof webhookSchema>;
export const webhookListSchema = z.object({ data: z.array(webhookSchema) }).meta({ id: "WebhookList" });

const secretSchema = z.string().nullable().meta({
  description:
    "`whsec_…`, told this once; null in the repeated answer to the same Idempotency-Key: rotate it then",
});
export const createdWebhookSchema = z
  .object({ ...webhookShape, secret: secretSchema })
  .meta({ id: "CreatedWebhook" });
export type CreatedWebhook = z.infer<typeof createdWebhookSchema>;

/** Answer to a rotation. Until `previous_expires_at` each message is signed with the old secrets too. */
export const rotatedSecretSchema = z
  .object({ secret: secretSchema, previous_expires_at: timestampSchema.nullable() })
  .meta({ id: "RotatedSecret" });
export type RotatedSecret = z.infer<typeof rotatedSecretSchema>;

export const webhookErrors = [
  "address_refused",
  "connection_failed",
  "endpoint_deleted",
  "name_not_resolved",
  "request_failed",
  "secret_missing",
  "timed_out",
  "tls_failed",
] as const;
/** Why no answer came. */
export type WebhookError = (typeof webhookErrors)[number];

export const webhookDeliveryStatuses = ["pending", "delivered", "dead"] as const;

/** One event for one endpoint, with the log of its attempts, the latest first. */
export const webhookDeliverySchema = z
  .object({
    id: uuidSchema.meta({ description: "The `webhook-id` of every attempt" }),
    type: z.enum([...webhookEventTypes, webhookTestType]),
    task_id: uuidSchema.nullable().meta({ description: "Null for the test of an endpoint" }),
    status: z.enum(webhookDeliveryStatuses).meta({
      description: "`dead`: the last attempt failed too, a test's only one; it can be sent again by hand",
    }),
    created_at: timestampSchema,
    next_attempt_at: timestampSchema.nullable(),
    finished_at: timestampSchema.nullable(),
    attempts: z.array(
      z.object({
        at: timestampSchema,
        ms: z.int(),
        status_code: z.int().nullable(),
        error: z.enum(webhookErrors).nullable().meta({ description: "Why no answer came" }),
        response: z.string().nullable().meta({ description: "How the answer begins" }),
      }),
    ),
  })
  .meta({ id: "WebhookDelivery" });
export type WebhookDelivery = z.infer<typeof webhookDeliverySchema>;
export const webhookDeliveryPageSchema = pageSchema(webhookDeliverySchema).meta({
  id: "WebhookDeliveryPage",
});

/** Query of `GET /webhooks/deliveries`. */
export const taskWebhookDeliveriesQuerySchema = pageQuerySchema.extend({
  task_id: uuidSchema.optional().meta({ description: "Those of this task alone" }),
});
export type TaskWebhookDeliveriesQuery = z.infer<typeof taskWebhookDeliveriesQuerySchema>;
