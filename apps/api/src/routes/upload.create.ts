import { isTerminal, type UploadResult, uploadResultSchema } from "@genq/contract";
import { type AcceptedUpload, acceptUpload, getFile } from "@genq/core/files";
import { presentSubmitted } from "@genq/core/tasks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { locateTask, retryAfterSeconds } from "../http/answer-task.ts";
import { jsonAnswer, submitHeaders, userProblems } from "../http/describe.ts";
import { markReplayed, readIdempotencyKey } from "../http/idempotency.ts";
import { waitForTask } from "../http/submit-work.ts";
import type { Guards } from "../http/user-route.ts";
import { receiveUpload } from "../upload/receive-upload.ts";

/** Described by hand: a zod schema here would make the router read the whole body into memory. */
const form = {
  type: "object" as const,
  required: ["file"],
  properties: {
    file: {
      type: "string" as const,
      format: "binary",
      description: "One document; `uploadFile` is its older name",
    },
    chat_id: {
      type: "string" as const,
      maxLength: 200,
      description: "Groups files; names are unique in a group",
    },
    replace: { type: "boolean" as const, description: "Take the place of a file of the same name" },
    webhook_url: {
      type: "string" as const,
      maxLength: 2048,
      description: "Told when the file's ingestion has ended, signed with the user's own secret",
    },
  },
};

/** `POST /upload`: stores a document and has it made searchable. */
export function uploadCreate(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/upload",
      tags: ["Files"],
      summary: "Upload a document",
      ...guards.user,
      request: {
        headers: submitHeaders,
        body: { required: true, content: { "multipart/form-data": { schema: form } } },
      },
      responses: {
        200: jsonAnswer(
          uploadResultSchema,
          "These bytes were there before, or it is done within `Prefer: wait`",
        ),
        202: jsonAnswer(uploadResultSchema, "Stored; poll the task or the file"),
        ...userProblems,
      },
    }),
    async (c) => {
      const userId = c.get("userId");
      const upload = await receiveUpload(deps, userId, c.env.incoming, deps.env.maxUploadBytes);
      const accepted = await acceptUpload(
        deps,
        {
          userId,
          name: upload.name,
          chatId: upload.fields.chat_id ?? null,
          replace: upload.fields.replace ?? false,
          idempotencyKey: readIdempotencyKey(c),
          webhookUrl: upload.fields.webhook_url,
        },
        upload.object,
      );
      markReplayed(c, accepted.replayed);
      if (!accepted.deduplicated && !accepted.replayed) deps.metrics.tasksAccepted.inc({ kind: "ingest" });
      if (accepted.task === undefined) return c.json(present(accepted), 200);
      const task = await waitForTask(c, deps, accepted.task, 0);
      locateTask(c, task.task.id);
      const finished = isTerminal(task.task.status) && task !== accepted.task;
      if (!finished) {
        if (!accepted.deduplicated) c.header("retry-after", String(retryAfterSeconds(task.queue.etaSeconds)));
        return c.json(present({ ...accepted, task }), accepted.deduplicated ? 200 : 202);
      }
      const file = await getFile(deps.database, userId, accepted.file.file.id);
      return c.json(present({ ...accepted, file, task }), 200);
    },
  );
}

function present({ file, task, deduplicated }: AcceptedUpload): UploadResult {
  return { file: file.file, task: task === undefined ? null : presentSubmitted(task), deduplicated };
}
