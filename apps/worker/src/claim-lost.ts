/** The claim is another worker's now, or the task was canceled or deleted: nothing may be written for it any more. */
export class ClaimLostError extends Error {
  override readonly name = "ClaimLostError";
}

/** The worker is going down: what runs is given back. */
export class ShutdownError extends Error {
  override readonly name = "ShutdownError";
}
