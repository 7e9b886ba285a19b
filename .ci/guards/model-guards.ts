import type { Guard } from "./guard.ts";

/** What keeps a model that does not fit from being downloaded, loaded or believed. */
export const modelGuards: Guard[] = [
  {
    name: "model-kind-checked",
    protects: "A vision model is downloaded whole, and fails when it is loaded.",
    edits: [
      {
        file: "packages/inference/src/hub/describe-model.ts",
        find: "  checkConfig(options.record, JSON.parse(text));\n",
        replace: "",
      },
    ],
    test: {
      file: "packages/inference/src/hub/fetch-model-files.int.test.ts",
      name: "a model of another kind is refused by its config alone",
    },
  },
  {
    name: "copy-checked",
    protects: "A broken copy of a model's weights on a disk is taken for the model.",
    edits: [
      {
        file: "packages/inference/src/hub/copy-model-files.ts",
        find: "if (told !== undefined && told !== read)",
        replace: "if (told === read)",
      },
    ],
    test: {
      file: "packages/inference/src/cli/models.int.test.ts",
      name: "pull --from refuses a file of the hub's cache that is not what its checksum says",
    },
  },
  {
    name: "device-checked",
    protects: "A device that the machine has not is told by whatever the runtime says, or not at all.",
    edits: [
      {
        file: "packages/inference/src/child/main.ts",
        find: '  checkDevice(request.definition.record.device ?? "cpu", thisMachine());\n',
        replace: "",
      },
    ],
    test: {
      file: "packages/inference/src/device.int.test.ts",
      name: "a device that this machine has not is refused before the model is loaded",
    },
  },
  {
    name: "model-name-no-path",
    protects: "A record's name writes outside of the models' folder.",
    edits: [
      {
        file: "packages/inference/src/own-models.ts",
        find: "/^\\w[\\w.-]*\\/\\w[\\w.-]*$/",
        replace: "/./",
      },
    ],
    test: {
      file: "packages/inference/src/own-models.test.ts",
      name: "refuses a way out of the folder and tells the file",
    },
  },
  {
    name: "pair-types-told",
    protects: "A cross-encoder that is told which tokens are the query's reads both texts as one.",
    edits: [
      {
        file: "packages/inference/src/child/pair-template.ts",
        find: "secondIds.map(() => typeOf(second))",
        replace: "secondIds.map(() => 0)",
      },
    ],
    test: {
      file: "packages/inference/src/reranking-equality.int.test.ts",
      name: "a cross-encoder like bert gives the scores of transformers.js' own path, whatever the batching",
    },
  },
  {
    name: "cut-vectors-normalized",
    protects:
      "The vectors that are cut to fewer dimensions have no length of 1, and their cosines are no cosines.",
    edits: [
      {
        file: "packages/inference/src/child/embedding-model.ts",
        find: "const cut = vector.slice(0, call.dimensions);\n      return record.normalize ? normalize(cut) : cut;",
        replace: "return (record.normalize ? normalize(vector) : vector).slice(0, call.dimensions);",
      },
    ],
    test: {
      file: "packages/inference/src/embedding-equality.int.test.ts",
      name: "with mean pooling a text that is too long has the vector of what fits, and a cut vector has length 1",
    },
  },
  {
    name: "tuning-of-this-machine",
    protects: "A shared folder of models makes a small machine start the processes of a large one.",
    edits: [
      {
        file: "packages/inference/src/tuning.ts",
        find: "return holds ?",
        replace: "return holds || true ?",
      },
    ],
    test: {
      file: "packages/inference/src/tuning.test.ts",
      name: "what was measured with another cores, or makes no sense, does not hold",
    },
  },
  {
    name: "chat-template-file",
    protects: "A model whose chat template has a file of its own is asked without it, and nobody is told.",
    edits: [
      {
        file: "packages/inference/src/child/generation-model.ts",
        find: "  tokenizer.chat_template ??= await readIfThere(join(folder, chatTemplateFile));\n",
        replace: "",
      },
    ],
    test: {
      file: "packages/inference/src/hub-decoders.int.test.ts",
      name: "fp32, plain attention, places masked, as gemma answers the same alone, in a crowd, by its prefix and through transformers.js",
    },
  },
  {
    name: "encoder-half-precision",
    protects: "An embedding or reranking model whose fp16 weights give numbers of 16 bits does not load.",
    edits: [
      {
        file: "packages/inference/src/child/encoder-run.ts",
        find: 'output.type === "float16" ? output.to("float32") : output',
        replace: "output",
      },
    ],
    test: {
      file: "packages/inference/src/embedding-equality.int.test.ts",
      name: "whatever the batching, vectors are those of transformers.js' own pipeline cls pooling of a passage, 200 tokens in a run, 0 bulk processes, bert in fp16",
    },
  },
  {
    name: "load-error-explained",
    protects:
      "Of a dtype that a device has no kernels for, an operator reads the name of an operator of ONNX.",
    edits: [
      {
        file: "packages/inference/src/child/main.ts",
        find: "explainLoadError(error, request.definition.record)",
        replace: "messageOf(error)",
      },
    ],
    test: {
      file: "packages/inference/src/hub-decoders.int.test.ts",
      name: "weights that the CPU has no kernels for are told by their dtype, with what to choose instead",
    },
  },
];
