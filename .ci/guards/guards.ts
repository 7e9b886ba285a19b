import { answerGuards } from "./answer-guards.ts";
import { deltaGuards } from "./delta-guards.ts";
import { fenceGuards } from "./fence-guards.ts";
import { generationGuards } from "./generation-guards.ts";
import type { Guard } from "./guard.ts";
import { miniGuards } from "./mini-guards.ts";
import { modelGuards } from "./model-guards.ts";
import { outageGuards } from "./outage-guards.ts";
import { ownerGuards } from "./owner-guards.ts";
import { planGuards } from "./plan-guards.ts";
import { poolGuards } from "./pool-guards.ts";
import { processGuards } from "./process-guards.ts";
import { queueGuards } from "./queue-guards.ts";
import { requestGuards } from "./request-guards.ts";
import { truthGuards } from "./truth-guards.ts";
import { webhookGuards } from "./webhook-guards.ts";

export const guards: Guard[] = [
  ...truthGuards,
  ...fenceGuards,
  ...queueGuards,
  ...planGuards,
  ...processGuards,
  ...poolGuards,
  ...modelGuards,
  ...miniGuards,
  ...generationGuards,
  ...outageGuards,
  ...ownerGuards,
  ...webhookGuards,
  ...requestGuards,
  ...answerGuards,
  ...deltaGuards,
];
