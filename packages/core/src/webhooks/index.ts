export { type AddressPolicy, addressPolicy, type Network, parseNetworks } from "./address-policy.ts";
export { createDispatcher, type Dispatcher } from "./dispatch-webhooks.ts";
export {
  createWebhook,
  deleteWebhook,
  getWebhook,
  getWebhookDelivery,
  listWebhookDeliveries,
  listWebhooks,
  redeliverWebhook,
  rotateWebhookSecret,
  testWebhook,
  updateWebhook,
  type WebhookServices,
} from "./manage-webhooks.ts";
export { createWebhookSender, type WebhookSender } from "./send-webhook.ts";
export { readWebhookUrl } from "./webhook-url.ts";
