import { expect, test } from "vitest";
import { checkDevice, devicesOf, type Machine, thisMachine, whatIsMissing } from "./devices.ts";

const linux: Machine = {
  platform: "linux-x64",
  backends: ["cpu", "webgpu", "cuda"],
  hasCudaProvider: true,
  hasNvidiaDriver: true,
  hasGraphics: true,
};
const mac: Machine = {
  platform: "darwin-arm64",
  backends: ["cpu", "webgpu", "coreml"],
  hasCudaProvider: false,
  hasNvidiaDriver: false,
  hasGraphics: true,
};

test("tells which devices a machine has", () => {
  expect(devicesOf(linux)).toEqual(["cpu", "cuda", "webgpu"]);
  expect(devicesOf(mac)).toEqual(["cpu", "webgpu", "coreml"]);
  expect(devicesOf(thisMachine())).toContain("cpu");
});

test.each([
  ["dml", linux, "it needs Windows, and ONNX Runtime has no such backend on linux-x64"],
  ["coreml", linux, "it needs macOS, and ONNX Runtime has no such backend on linux-x64"],
  ["cuda", mac, "it needs Linux on x64, and ONNX Runtime has no such backend on darwin-arm64"],
  ["webgpu", { ...linux, backends: ["cpu"] }, "ONNX Runtime has no such backend on linux-x64"],
  ["webgpu", { ...linux, hasGraphics: false }, expect.stringContaining("there is no graphics card")],
  ["cuda", { ...linux, hasNvidiaDriver: false }, "there is no NVIDIA driver (/dev/nvidiactl)"],
  [
    "cuda",
    { ...linux, hasCudaProvider: false },
    expect.stringContaining("--onnxruntime-node-install=cuda12"),
  ],
] as const)("tells what %s lacks", (device, machine, missing) => {
  expect(whatIsMissing(device, machine)).toEqual(missing);
});

test("refuses a device with what can be had instead", () => {
  expect(() => checkDevice("cpu", linux)).not.toThrow();
  expect(() => checkDevice("coreml", linux)).toThrow(
    expect.objectContaining({
      code: "model_unavailable",
      message: expect.stringMatching(
        /"coreml" can't be had: .* To be had on this machine: cpu, cuda, webgpu\.$/,
      ),
    }),
  );
});
