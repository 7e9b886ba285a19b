import autocannon from "autocannon";

export interface Load {
  url: string;
  token?: string;
  /** A JSON body, which makes it a POST. */
  json?: unknown;
  seconds: number;
}

export interface LoadResult {
  p50Ms: number;
  p99Ms: number;
  requestsPerSecond: number;
  requests: number;
}

export const connections = 20;

/** So many connections, each with one request at a time. @throws Error when an answer is not 2xx */
export async function putUnderLoad({ url, token, json, seconds }: Load): Promise<LoadResult> {
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    timeout: 30,
    method: json === undefined ? "GET" : "POST",
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  const failed = result.non2xx + result.errors;
  if (failed > 0) {
    const limited = result.statusCodeStats?.["429"] !== undefined;
    throw new Error(
      limited
        ? "The server limits requests: start it with RATE_LIMIT_PER_MINUTE=100000000."
        : `${failed} of ${result.requests.total} requests to ${new URL(url).pathname} failed.`,
    );
  }
  return {
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    requestsPerSecond: result.requests.total / result.duration,
    requests: result.requests.total,
  };
}
