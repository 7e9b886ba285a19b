import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { BenchContext } from "./embedding.ts";
import { figure, inTurns, type Median, millisecondsOf, perSecond } from "./figures.ts";
import { benchModel } from "./models/make-models.ts";
import { frequentWords } from "./models/tokenizers.ts";
import { type Program, startProgram } from "./program.ts";
import type { GenerateOptions, GenerateRequest } from "./programs/generate-main.ts";
import type { LlamaOptions, LlamaRequest } from "./programs/llama-main.ts";
import { cores, generationHost } from "./subject.ts";

/** Where node-llama-cpp is put for a comparison with it. No dependency: it is large and used by nothing else. */
const llamaHome = join(import.meta.dirname, "../../../.cache/llama");
const llamaLibrary = join(llamaHome, "node_modules/node-llama-cpp/dist/index.js");
export const llamaHelp =
  "npm install --prefix .cache/llama --omit=optional node-llama-cpp@3.22.1 @node-llama-cpp/linux-x64@3.22.1";

type Generate = (promptTokens: number, newTokens: number) => Promise<unknown>;

const decoded = 64;

/** One row: decoding and prefill, beside transformers.js and, where it is installed, node-llama-cpp. */
export async function benchGeneration({ rounds, say, tell }: BenchContext): Promise<void> {
  const folder = await benchModel("smollm2", say);
  await using stack = new AsyncDisposableStack();
  const ours = generationHost(folder);
  stack.defer(() => ours.close());
  const peers: { name: string; generate: Generate; goals: { decode: number; prefill: number } }[] = [];
  const addPeer = (
    name: string,
    program: Program<GenerateRequest, number>,
    goals: { decode: number; prefill: number },
  ) => {
    stack.use(program);
    const generate = (promptTokens: number, newTokens: number) =>
      expectTokens(program.ask({ prompt: tokenIds(promptTokens), newTokens }), newTokens, name);
    peers.push({ name, generate, goals });
  };
  const generateOptions: GenerateOptions = { folder, dtype: "q4" };
  addPeer(
    "transformers.js generate",
    await startProgram(new URL("./programs/generate-main.ts", import.meta.url), generateOptions),
    { decode: 1, prefill: 1.3 },
  );
  if (existsSync(llamaLibrary)) {
    const options: LlamaOptions = {
      library: pathToFileURL(llamaLibrary).href,
      file: join(folder, "model-q4_0.gguf"),
      threads: cores,
    };
    const main = new URL("./programs/llama-main.ts", import.meta.url);
    addPeer("node-llama-cpp, Q4_0", await startProgram<LlamaRequest, number>(main, options), {
      decode: 1.5,
      prefill: 0.9,
    });
  } else {
    say(`Without node-llama-cpp. To compare with it: ${llamaHelp}`);
  }

  const generate: Generate = async (promptTokens, newTokens) => {
    const result = await ours.call(
      {
        type: "generate",
        messages: [{ role: "user", content: promptOf(promptTokens) }],
        maxNewTokens: newTokens,
        temperature: 0,
      },
      { priority: "bulk" },
    );
    if (Math.abs(result.promptTokens - promptTokens) > promptTokens * 0.02)
      throw new Error(`The prompt had ${result.promptTokens} tokens, not ${promptTokens}.`);
    return await expectTokens(Promise.resolve(result.completionTokens), newTokens, "ours");
  };
  const sides = { ours: generate, ...Object.fromEntries(peers.map((peer) => [peer.name, peer.generate])) };

  say("Decoding one row");
  const decode = await inTurns(
    mapSides(sides, async (side) => {
      // The first token is the prompt's.
      const begin = await millisecondsOf(() => side(16, 1));
      return (await millisecondsOf(() => side(16, 1 + decoded))) - begin;
    }),
    rounds,
  );
  say("Prefill");
  const prefill = await inTurns(
    mapSides(sides, (side) => millisecondsOf(() => side(512, 1))),
    rounds,
  );
  const report = (name: string, amount: number, times: Record<string, Median>, of: "decode" | "prefill") => {
    for (const peer of peers) {
      const [our, their] = [times["ours"], times[peer.name]];
      if (!our || !their) continue;
      const baseline = { ...perSecond(amount, their), name: peer.name };
      const goal = { of: "ratio", atLeast: peer.goals[of] } as const;
      tell(figure(name, "tokens/s", perSecond(amount, our), baseline, goal));
    }
  };
  report("decode, one row, q4", decoded, decode, "decode");
  report("prefill of 512 tokens, q4", 512, prefill, "prefill");
}

function mapSides(
  sides: Record<string, Generate>,
  measure: (side: Generate) => Promise<number>,
): Record<string, () => Promise<number>> {
  return Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, () => measure(side)]));
}

async function expectTokens(made: Promise<number>, wanted: number, by: string): Promise<void> {
  const tokens = await made;
  if (tokens !== wanted) throw new Error(`${by} made ${tokens} tokens, not ${wanted}.`);
}

/** Any tokens but special ones. */
const tokenIds = (count: number) => Array.from({ length: count }, (_, index) => 1000 + index * 7);

/** One token of the start, then a word for each. */
const promptOf = (tokens: number) =>
  Array.from({ length: tokens - 1 }, (_, index) => ` ${frequentWords[index] ?? ""}`).join("");
