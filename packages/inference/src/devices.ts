import { existsSync } from "node:fs";
import { arch, platform } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { listSupportedBackends } from "onnxruntime-node";
import { InferenceError } from "./inference-error.ts";
import { type Device, devices } from "./types.ts";

/** What of a machine decides where its models can run. */
export interface Machine {
  /** As Node names it, such as `linux-x64`. */
  platform: string;
  /** What this build of ONNX Runtime was made for. */
  backends: readonly string[];
  /** Whether ONNX Runtime's CUDA library, which its npm package leaves out, is there. */
  hasCudaProvider: boolean;
  hasNvidiaDriver: boolean;
  /** Whether there is a graphics card, as far as can be told. */
  hasGraphics: boolean;
}

export function thisMachine(): Machine {
  const name = `${platform()}-${arch()}`;
  const library = fileURLToPath(import.meta.resolve("onnxruntime-node"));
  const binaries = join(dirname(library), "../bin/napi-v6", platform(), arch());
  // The second is how Windows lends its driver to Linux inside it.
  const hasNvidiaDriver = existsSync("/dev/nvidiactl") || existsSync("/dev/dxg");
  return {
    platform: name,
    backends: listSupportedBackends().map((backend) => backend.name),
    hasCudaProvider: existsSync(join(binaries, "libonnxruntime_providers_cuda.so")),
    hasNvidiaDriver,
    hasGraphics: platform() !== "linux" || hasNvidiaDriver || existsSync("/dev/dri"),
  };
}

/** Where models can run on a machine, as far as can be told without running one. */
export function devicesOf(machine: Machine): Device[] {
  return devices.filter((device) => whatIsMissing(device, machine) === undefined);
}

/** Why a device can't be had on a machine, and what to do about it; undefined when nothing speaks against it. */
export function whatIsMissing(device: Device, machine: Machine): string | undefined {
  if (!machine.backends.includes(device)) {
    const where = {
      cuda: "Linux on x64",
      coreml: "macOS",
      dml: "Windows",
      webgpu: undefined,
      cpu: undefined,
    };
    const wanted = where[device] === undefined ? "" : `it needs ${where[device]}, and `;
    return `${wanted}ONNX Runtime has no such backend on ${machine.platform}`;
  }
  if (device === "webgpu" && !machine.hasGraphics)
    return "there is no graphics card (no /dev/dri, no /dev/nvidiactl)";
  if (device !== "cuda") return undefined;
  if (!machine.hasNvidiaDriver) return "there is no NVIDIA driver (/dev/nvidiactl)";
  if (!machine.hasCudaProvider)
    return (
      "ONNX Runtime's CUDA library is not installed: run " +
      "`node node_modules/onnxruntime-node/script/install --onnxruntime-node-install=cuda12`, which downloads it"
    );
  return undefined;
}

/** @throws InferenceError `model_unavailable`, telling what is missing and what can be had instead */
export function checkDevice(device: Device, machine: Machine): void {
  const missing = whatIsMissing(device, machine);
  if (missing === undefined) return;
  throw new InferenceError(
    "model_unavailable",
    `The device "${device}" can't be had: ${missing}. To be had on this machine: ${devicesOf(machine).join(", ")}.`,
  );
}
