export * from "./chunks.ts";
export * from "./claims.ts";
export * from "./database.ts";
export * from "./files.ts";
export * from "./idempotency.ts";
export * from "./migrate.ts";
export type { FileRow, ListedTaskRow, TaskRow } from "./rows.ts";
export * from "./tasks.ts";
export * from "./workers.ts";
