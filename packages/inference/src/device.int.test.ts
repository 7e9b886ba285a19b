import { expect, test } from "vitest";
import { createMiniInference } from "./testing/mini-inference.ts";

test("a device that this machine has not is refused before the model is loaded", async () => {
  const device = process.platform === "win32" ? "coreml" : "dml";
  const inference = createMiniInference({}, () => {}, device);
  try {
    await expect(inference.load()).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringMatching(
        new RegExp(`did not load: The device "${device}" can't be had: .* To be had on this machine: cpu`),
      ),
    });
  } finally {
    await inference.close();
  }
});
