import { openTestStack } from "@genq/core/testing";
import { afterAll, expect, it } from "vitest";
import { fakeInference } from "./fake-inference.ts";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const user = await stack.createUser();
const worked = openWorkerStack(stack, memoryStorage());
afterAll(() => worked[Symbol.asyncDispose]());

/** Paragraphs of which each tells less of the question than the one before. */
const paragraphs = Array.from({ length: 8 }, (_, index) =>
  [
    `Paragraph ${index}.`,
    ..."bees ".repeat(30 - 3 * index).split(" "),
    ..."wasps ".repeat(6 + 3 * index).split(" "),
  ].join(" "),
);

async function passagesOfAnswer(reranks: boolean): Promise<string[]> {
  const inference = fakeInference({ reranks });
  const worker = worked.start({
    openInference: (onStatus) => ({ ...inference, load: fakeInference({}, onStatus).load }),
  });
  const task = await worked.submit(user, "generate", { text: "bees", search: { k: 2 } });
  await worked.until(user, task, "completed");
  await worker.stop(1000);
  return [...(inference.prompts[0] ?? "").matchAll(/Paragraph (\d)/g)].map(([, number = ""]) => number);
}

it("answers from the passages that the reranking model picks among three times as many", async () => {
  const worker = worked.start();
  const { taskId } = await worked.upload(user, "insects.txt", paragraphs.join("\n\n"));
  await worked.until(user, taskId, "completed");
  await worker.stop(1000);
  expect(await passagesOfAnswer(false)).toEqual(["0", "1"]);
  expect(await passagesOfAnswer(true)).toEqual(["5", "4"]);
});
