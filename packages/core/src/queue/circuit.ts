/** Asks a server with a bounded wait, and not at all while it is known to be away. */
export interface Circuit {
  /** Undefined when the work failed, took longer than the bound, or was not tried. */
  run<Value>(work: () => Promise<Value>): Promise<Value | undefined>;
}

/** After a failure nothing is tried for `pauseMs`; then one caller tries, and the others go on without. */
export function createCircuit(options: { boundMs: number; pauseMs: number }): Circuit {
  let failedAt: number | undefined;
  let trying = false;
  return {
    run: async (work) => {
      const away = failedAt !== undefined;
      if (failedAt !== undefined && (trying || performance.now() - failedAt < options.pauseMs))
        return undefined;
      trying = away;
      let done = false;
      const value = await within(options.boundMs, async () => {
        const result = await work();
        done = true;
        return result;
      });
      if (away) trying = false;
      failedAt = done ? undefined : performance.now();
      return value;
    },
  };
}

/** Undefined when the work fails or takes longer: a stopped server would hang it for long. It goes on unseen then. */
export async function within<Value>(ms: number, work: () => Promise<Value>): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  const answered = work().catch(() => undefined);
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}
