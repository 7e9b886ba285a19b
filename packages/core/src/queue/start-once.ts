interface Startable {
  waitUntilReady(): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Shares one start among all who ask. */
export interface Starter<Started> {
  get(): Promise<Started>;
  /** What was started or is being started; undefined when nothing is. */
  current(): Promise<Started> | undefined;
}

/** What BullMQ makes never recovers from a start on a server that is away, so one that failed is made anew by the next who asks. */
export function startOnce<Started extends Startable>(make: () => Started): Starter<Started> {
  let starting: Promise<Started> | undefined;
  const start = () => {
    const made = make();
    return made.waitUntilReady().then(
      () => made,
      (error: unknown) => {
        starting = undefined;
        made.close().catch(() => undefined);
        throw error;
      },
    );
  };
  return {
    get: () => {
      starting ??= start();
      return starting;
    },
    current: () => starting,
  };
}
