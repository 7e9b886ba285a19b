import { waitLimitSeconds } from "@genq/contract";

/** What `Prefer` (RFC 7240) asks for. What is not understood is ignored, as the RFC wants it. */
export interface Preference {
  /** Seconds to wait for the answer, bounded; undefined when nothing was asked for. */
  waitSeconds: number | undefined;
}

export function readPrefer(header: string | undefined): Preference {
  const preferences = (header ?? "").split(",").map((part) => part.split(";")[0]?.trim().toLowerCase() ?? "");
  const wait = preferences.map((text) => /^wait\s*=\s*"?(\d{1,6})"?$/.exec(text)?.[1]).find(Boolean);
  if (wait !== undefined) return { waitSeconds: Math.min(Number(wait), waitLimitSeconds) };
  return { waitSeconds: preferences.includes("respond-async") ? 0 : undefined };
}
