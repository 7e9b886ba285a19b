import postgres from "postgres";

/**
 * A client for a Postgres that comes and goes. It asks no new connection for the types of arrays: when the connection is
 * lost just then, nobody handles the driver's rejection (postgres 3.4.9). So arrays go as text, see `arrayOf`.
 */
export function openSql(
  url: string,
  options: { max: number; applicationName?: string; backoff?: () => number },
): postgres.Sql {
  const { max, applicationName = "chaos", backoff } = options;
  return postgres(url, {
    max,
    connect_timeout: 5,
    fetch_types: false,
    onnotice: () => undefined,
    connection: { application_name: applicationName },
    ...(backoff === undefined ? {} : { backoff }),
  });
}

/** An array literal of ids. */
export function arrayOf(ids: readonly string[]): string {
  return `{${ids.join()}}`;
}
