import { z } from "zod";

export const webhookUrlSchema = z
  .url({ protocol: /^https?$/, error: "must be an https:// URL" })
  .max(2048)
  .meta({
    description: "A public https URL with no user, password or redirect; its port is 443 or above 1023",
  });

/** Who is told when one task has ended. */
export const taskWebhookSchema = z.strictObject({ url: webhookUrlSchema }).meta({
  id: "TaskWebhook",
  description: "Told when the task has ended, signed with the user's own secret",
});
export type TaskWebhook = z.infer<typeof taskWebhookSchema>;
