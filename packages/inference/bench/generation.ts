import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { CallResults } from "../src/messages.ts";
import type { ModelHost } from "../src/model-host.ts";
import type { BenchContext } from "./embedding.ts";
import { figure, inTurns, type Median, millisecondsOf, perSecond } from "./figures.ts";
import { benchModel } from "./models/make-models.ts";
import { frequentWords } from "./models/tokenizers.ts";
import { type Program, startProgram } from "./program.ts";
import type { BenchText, GenerateOptions } from "./programs/generate-main.ts";
import type { LlamaOptions } from "./programs/llama-main.ts";
import { cores, generationHost } from "./subject.ts";

/** Where node-llama-cpp is put for a comparison with it. No dependency: it is large and used by nothing else. */
const llamaHome = join(import.meta.dirname, "../../../.cache/llama");
const llamaLibrary = join(llamaHome, "node_modules/node-llama-cpp/dist/index.js");
export const llamaHelp =
  "npm install --prefix .cache/llama --omit=optional node-llama-cpp@3.22.1 @node-llama-cpp/linux-x64@3.22.1";

type Generate = (texts: readonly BenchText[]) => Promise<unknown>;
type Measured = "decode" | "crowd" | "prefill";

const decoded = 64;
const crowdSize = 8;

/** Decoding, alone and in a crowd, and prefill, beside transformers.js and, where it is installed, node-llama-cpp. */
export async function benchGeneration({ rounds, say, tell }: BenchContext): Promise<void> {
  const folder = await benchModel("smollm2", say);
  await using stack = new AsyncDisposableStack();
  const ours = generationHost(folder, crowdSize);
  stack.defer(() => ours.close());
  const peers: { name: string; generate: Generate; goals: Record<Measured, number> }[] = [];
  const addPeer = (name: string, program: Program<BenchText[], number>, goals: Record<Measured, number>) => {
    stack.use(program);
    const generate: Generate = (texts) => expectTokens(program.ask([...texts]), texts, name);
    peers.push({ name, generate, goals });
  };
  const generateOptions: GenerateOptions = { folder, dtype: "q4" };
  addPeer(
    "transformers.js generate",
    await startProgram(new URL("./programs/generate-main.ts", import.meta.url), generateOptions),
    { decode: 1, crowd: 1.7, prefill: 1.3 },
  );
  if (existsSync(llamaLibrary)) {
    const options: LlamaOptions = {
      library: pathToFileURL(llamaLibrary).href,
      file: join(folder, "model-q4_0.gguf"),
      threads: cores,
      sequences: crowdSize,
    };
    const main = new URL("./programs/llama-main.ts", import.meta.url);
    addPeer("node-llama-cpp, Q4_0", await startProgram(main, options), {
      decode: 1.5,
      crowd: 1.5,
      prefill: 0.9,
    });
  } else {
    say(`Without node-llama-cpp. To compare with it: ${llamaHelp}`);
  }

  const generate: Generate = async (texts) => {
    const made = await Promise.all(
      texts.map(async ({ prompt, newTokens, afterMs }) => {
        await setTimeout(afterMs);
        const answer = await ask(ours, [promptOf(prompt.length)], newTokens);
        if (Math.abs(answer.promptTokens - prompt.length) > 2 + prompt.length * 0.02)
          throw new Error(`The prompt had ${answer.promptTokens} tokens, not ${prompt.length}.`);
        return answer.completionTokens;
      }),
    );
    await expectTokens(Promise.resolve(sumOf(made)), texts, "ours");
  };
  const sides = { ours: generate, ...Object.fromEntries(peers.map((peer) => [peer.name, peer.generate])) };
  const report = (name: string, amount: number, times: Record<string, Median>, of: Measured) => {
    for (const peer of peers) {
      const [our, their] = [times["ours"], times[peer.name]];
      if (!our || !their) continue;
      const baseline = { ...perSecond(amount, their), name: peer.name };
      const goal = { of: "ratio", atLeast: peer.goals[of] } as const;
      tell(figure(name, "tokens/s", perSecond(amount, our), baseline, goal));
    }
  };

  say("Decoding one row");
  const decode = await inTurns(
    mapSides(sides, async (side) => {
      // The first token is the prompt's.
      const begin = await millisecondsOf(() => side([textOf(16, 1)]));
      return (await millisecondsOf(() => side([textOf(16, 1 + decoded)]))) - begin;
    }),
    rounds,
  );
  report("decode, one row, q4", decoded, decode, "decode");
  say("Prefill");
  const prefill = await inTurns(
    mapSides(sides, (side) => millisecondsOf(() => side([textOf(512, 1)]))),
    rounds,
  );
  report("prefill of 512 tokens, q4", 512, prefill, "prefill");
  await benchAllLogits({ rounds, say, tell });
  say("Eight rows that come at random");
  const crowd = crowdOf(crowdSize);
  const together = await inTurns(
    mapSides(sides, (side) => millisecondsOf(() => side(crowd))),
    rounds,
  );
  const crowdTokens = sumOf(crowd.map(({ newTokens }) => newTokens));
  report("8 rows at random, 20 to 500 tokens in, 20 to 200 out, q4", crowdTokens, together, "crowd");

  say("The second turn of a conversation");
  let conversations = 0;
  const secondTurn = async (partition: string | undefined) => {
    // Each is new: nothing of it is known from an earlier round.
    const talk = [promptOf(1000, ++conversations)];
    const { text } = await ask(ours, talk, 16, partition);
    return await millisecondsOf(() => ask(ours, [...talk, text, promptOf(20, 50)], 1, partition));
  };
  const turns = await inTurns({ kept: () => secondTurn("one"), whole: () => secondTurn(undefined) }, rounds);
  const whole = { ...turns.whole, name: "without a cache partition" };
  const goal = { of: "ratio", atMost: 0.15 } as const;
  tell(figure("time to the first token, second turn of 1,000 tokens", "ms", turns.kept, whole, goal));
}

/** Prefill by a graph that has no switch for the last logits alone. */
async function benchAllLogits({
  rounds,
  say,
  tell,
}: Pick<BenchContext, "rounds" | "say" | "tell">): Promise<void> {
  const folder = await benchModel("smollm2-all-logits", say);
  await using stack = new AsyncDisposableStack();
  const ours = generationHost(folder, 1);
  stack.defer(() => ours.close());
  const options: GenerateOptions = { folder, dtype: "q4" };
  const theirs = stack.use(
    await startProgram<BenchText[], number>(new URL("./programs/generate-main.ts", import.meta.url), options),
  );
  say("Prefill by a graph without num_logits_to_keep");
  const times = await inTurns(
    {
      ours: () => millisecondsOf(() => ask(ours, [promptOf(512)], 1)),
      theirs: () => millisecondsOf(() => theirs.ask([textOf(512, 1)])),
    },
    rounds,
  );
  const baseline = { ...perSecond(512, times.theirs), name: "transformers.js generate" };
  const goal = { of: "ratio", atLeast: 1.3 } as const;
  const name = "prefill of 512 tokens, q4, graph without num_logits_to_keep";
  tell(figure(name, "tokens/s", perSecond(512, times.ours), baseline, goal));
}

function ask(
  host: ModelHost,
  contents: readonly string[],
  maxNewTokens: number,
  cachePartition?: string,
): Promise<CallResults["generate"]> {
  const messages = contents.map((content, index) => {
    return { role: index % 2 === 0 ? "user" : "assistant", content } as const;
  });
  const call = { type: "generate", messages, maxNewTokens, temperature: 0, cachePartition } as const;
  return host.call(call, { priority: "bulk" });
}

function mapSides(
  sides: Record<string, Generate>,
  measure: (side: Generate) => Promise<number>,
): Record<string, () => Promise<number>> {
  return Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, () => measure(side)]));
}

async function expectTokens(made: Promise<number>, texts: readonly BenchText[], by: string): Promise<void> {
  const tokens = await made;
  const wanted = sumOf(texts.map(({ newTokens }) => newTokens));
  if (tokens !== wanted) throw new Error(`${by} made ${tokens} tokens, not ${wanted}.`);
}

const sumOf = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);

/** Any tokens but special ones. */
const textOf = (promptTokens: number, newTokens: number, afterMs = 0): BenchText => ({
  prompt: Array.from({ length: promptTokens }, (_, index) => 1000 + index * 7),
  newTokens,
  afterMs,
});

/** Always the same: the first comes at once, the others within two seconds. */
function crowdOf(size: number): BenchText[] {
  const generator = xoroshiro128plus(1);
  const between = (least: number, most: number) => uniformInt(generator, least, most);
  return Array.from({ length: size }, (_, index) =>
    textOf(between(20, 500), between(20, 200), index === 0 ? 0 : between(0, 2000)),
  );
}

/** One token of the start, then a word for each; another text for each `variant`. */
function promptOf(tokens: number, variant = 0): string {
  const words = Array.from({ length: tokens - 1 }, (_, index) => {
    return ` ${frequentWords[(index * (variant + 1) + variant) % frequentWords.length] ?? ""}`;
  });
  return words.join("");
}
