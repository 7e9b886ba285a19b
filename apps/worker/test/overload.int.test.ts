import { openTestStack } from "@genq/core/testing";
import { InferenceError } from "@genq/inference";
import { afterAll, expect, it } from "vitest";
import { fakeInference } from "./fake-inference.ts";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const user = await stack.createUser();
const worked = openWorkerStack(stack, memoryStorage());
afterAll(() => worked[Symbol.asyncDispose]());

it("runs a task that met overloaded models again, as often as it takes, uncharged", async () => {
  let refusals = 5;
  const worker = worked.start({
    openInference: (onStatus) => {
      const inference = fakeInference({}, onStatus);
      return {
        ...inference,
        embed: (request) => {
          if (refusals-- > 0) return Promise.reject(new InferenceError("overloaded", "Too much to do."));
          return inference.embed(request);
        },
      };
    },
  });
  const id = await worked.submit(user, "embed", { texts: ["a"], kind: "query" });
  const task = await worked.until(user, id, "completed", 60_000);
  expect(task).toMatchObject({ attempt: 6, lifeAttempts: 1, unreportedAttempts: 0 });
  await worker.stop(1000);
}, 90_000);

it("takes a model that the operator allows, of the right kind, and no other", async () => {
  const asked: (string | undefined)[] = [];
  const worker = worked.start({
    modelsAllowed: ["test/second", "test/third"],
    openInference: (onStatus) => {
      const inference = fakeInference({}, onStatus);
      const { embedding, generation } = inference.records();
      return {
        ...inference,
        record: (id) => ({ ...(id === "test/third" ? embedding : generation), id }),
        generateStream: (request) => {
          asked.push(request.model);
          return inference.generateStream(request);
        },
      };
    },
  });
  const generate = (model?: string) => worked.submit(user, "generate", { text: "Hello?", model });
  await worked.until(user, await generate(), "completed");
  await worked.until(user, await generate("test/second"), "completed");
  for (const model of ["test/third", "test/fourth"]) {
    const task = await worked.until(user, await generate(model), "failed");
    expect(task.problem).toMatchObject({ code: "unknown_model", detail: expect.stringContaining(model) });
  }
  expect(asked).toEqual(["test/generator", "test/second"]);
  await worker.stop(1000);
});
