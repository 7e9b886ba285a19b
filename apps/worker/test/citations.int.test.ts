import { openTestStack } from "@genq/core/testing";
import { createMiniInference } from "@genq/inference/testing";
import { afterAll, expect, it } from "vitest";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const user = await stack.createUser();
const worked = openWorkerStack(stack, memoryStorage());
afterAll(() => worked[Symbol.asyncDispose]());

it("cites what the bundled model names, nothing when it says that the passages do not tell, all when it was cut", async () => {
  worked.start({ openInference: (onStatus) => createMiniInference({}, onStatus) });
  const { fileId, taskId } = await worked.upload(
    user,
    "heights.txt",
    "The lighthouse of Norvik is 41 metres high. 東京タワーの高さは333メートルです。",
  );
  await worked.until(user, taskId, "completed");
  const ask = async (text: string, settings: { max_new_tokens?: number } = {}) => {
    const task = await worked.submit(user, "generate", { text, file_ids: [fileId], ...settings });
    return (await worked.until(user, task, "completed")).result;
  };
  const height = "How high is the lighthouse of Norvik?";
  expect(await ask(height)).toMatchObject({ citations: [{ index: 1, file_id: fileId }] });
  expect(await ask("How many xylophones does the orchestra own?")).toMatchObject({
    generated_text: "The passages do not say.",
    citations: [],
  });
  expect(await ask("図書館は何時に開きますか？")).toMatchObject({
    generated_text: "文章には書かれていません。",
    citations: [],
  });
  expect(await ask(height, { max_new_tokens: 3 })).toMatchObject({
    finish_reason: "length",
    citations: [{ index: 1 }],
  });
});
