/** What a child tells of itself a few times a second, whatever its main thread is at. */
export interface Beat {
  /** Grows with each model run or piece of tokenization. */
  steps: number;
  /** Tokens that the model is at just now, padding included; 0 outside of a model run. */
  tokens: number;
  /** Resident memory. */
  rssBytes: number;
}

/** The pipe of the beats, after stdin, stdout, stderr and the channel of calls. */
export const beatFd = 4;

export function formatBeat({ steps, tokens, rssBytes }: Beat): string {
  return `${steps} ${tokens} ${rssBytes}\n`;
}

/** Reads beats from pieces of text as they come. */
export function createBeatReader(onBeat: (beat: Beat) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [steps, tokens, rssBytes] = line.split(" ").map(Number);
      if (steps !== undefined && tokens !== undefined && rssBytes !== undefined)
        onBeat({ steps, tokens, rssBytes });
    }
  };
}
