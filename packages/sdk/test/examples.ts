const id = "7b0c1f9e-6a55-4a3e-9d2e-0f5f4c7a1b20";
const time = "2026-01-02T03:04:05.000Z";
const urls = { self: `/task/${id}`, cancel: `/task/${id}/cancel`, events: `/task/${id}/events` };

export const exampleFile = {
  id,
  name: "handbook.pdf",
  chat_id: null,
  media_type: "application/pdf",
  size_bytes: 5,
  sha256: "ab",
  status: "waiting",
  pages: { done: 0, total: null, failed: [] },
  chunks: { done: 0, total: null },
  embedding_model: null,
  problem: null,
  task_id: id,
  created_at: time,
  updated_at: time,
};

export const exampleSubmitted = {
  id,
  task_id: id,
  kind: "generate",
  status: "queued",
  created_at: time,
  expires_at: time,
  queue: { position: 0, eta_s: null },
  urls,
};

export const exampleResult = {
  generated_text: "Forty-two [1].",
  finish_reason: "stop",
  confidence: 0.9,
  processing_time: 0.2,
  usage: { prompt_tokens: 10, completion_tokens: 4, truncated_tokens: 0 },
  model: "genq/mini-generator",
  citations: [],
};

export const exampleTask = {
  id,
  task_id: id,
  kind: "generate",
  status: "completed",
  attempt: 1,
  progress: null,
  problem: null,
  file_id: null,
  created_at: time,
  started_at: time,
  finished_at: time,
  updated_at: time,
  expires_at: time,
  urls,
  result: exampleResult,
};

export const exampleProblem = {
  type: "/problems/overloaded",
  title: "The server is overloaded",
  status: 503,
  detail: "Try again in a moment.",
  code: "overloaded",
  retryable: true,
};
