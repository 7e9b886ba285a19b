import { type InferenceSession, Tensor } from "onnxruntime-node";

/** Tensors by the names of inputs and outputs. */
export type Tensors = Record<string, Tensor>;

/** Ends the copying of results. */
const enough = new Error("What is wanted is known, and the rest is where it was to be written.");

/**
 * Runs a session whose results go to the memory of `places`, all but one, which is given back.
 *
 * onnxruntime-node 1.30 copies the others too, into fresh memory: with eight texts' caches that is half of a step's
 * time. For each copy in turn it calls the constructor of `Tensor`. When that throws, the run ends with nothing more
 * copied. (Its pull request 32346 ends the copies: with a version that has it a plain run does the same.)
 */
export async function runInPlace(
  session: InferenceSession,
  feeds: Tensors,
  places: Tensors,
  wanted: string,
  options: InferenceSession.RunOptions,
): Promise<Tensor | undefined> {
  let result: Tensor | undefined;
  let before = session.outputNames.filter((name) => name === wanted || name in places).indexOf(wanted);
  const restore = () => Reflect.deleteProperty(Tensor.prototype, "size");
  const watchConstructor = () => {
    Object.defineProperty(Tensor.prototype, "size", {
      configurable: true,
      // Of what the constructor sets it is the last.
      set(this: Tensor, value: number) {
        before -= 1;
        if (before >= 0) return void Object.defineProperty(this, "size", { value });
        result = this;
        restore();
        throw enough;
      },
    });
  };

  const fetches: Record<string, Tensor | null> = { ...places, [wanted]: null };
  const [name, place] = Object.entries(places).at(-1) ?? [];
  if (name && place) {
    // The native side asks for it in the one call that runs and copies: nobody else makes tensors until it is back.
    const location = () => {
      watchConstructor();
      return "cpu";
    };
    fetches[name] = Object.create(place, { location: { get: location } });
  }
  try {
    return (await session.run(feeds, fetches, options))[wanted];
  } catch (error) {
    if (error !== enough) throw error;
    return result;
  } finally {
    restore();
  }
}
