import postgres from "postgres";

/** The same server's other database. */
export function databaseUrl(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}

export function templateName(prefix: string): string {
  return `${prefix}_template`;
}

export async function createDatabase(adminUrl: string, name: string, template = "template1"): Promise<void> {
  await withAdmin(adminUrl, (sql) => sql`create database ${sql(name)} template ${sql(template)}`);
}

/** @throws Error that names the connections that are still open, and drops the database all the same */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await withAdmin(adminUrl, async (sql) => {
    let open = await connections(sql, name);
    for (let waited = 0; open.length > 0 && waited < 3000; waited += 100) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      open = await connections(sql, name);
    }
    await sql`drop database ${sql(name)} with (force)`;
    if (open.length > 0) {
      throw new Error(`This test file leaked connections to its database:\n${open.join("\n")}`);
    }
  });
}

/** Drops what an interrupted test file left, and the template. */
export async function dropDatabases(adminUrl: string, prefix: string): Promise<void> {
  await withAdmin(adminUrl, async (sql) => {
    const rows = await sql<{ name: string }[]>`
      select datname as name from pg_database where starts_with(datname, ${prefix})`;
    for (const { name } of rows) await sql`drop database if exists ${sql(name)} with (force)`;
  });
}

async function connections(sql: postgres.Sql, name: string): Promise<string[]> {
  const rows = await sql<{ application: string; state: string | null; query: string }[]>`
    select application_name as application, state, left(query, 200) as query
    from pg_stat_activity where datname = ${name} and backend_type = 'client backend'`;
  return rows.map((row) => `${row.application || "unnamed"} (${row.state ?? "unknown"}): ${row.query}`);
}

async function withAdmin<Result>(
  adminUrl: string,
  work: (sql: postgres.Sql) => Promise<Result>,
): Promise<Result> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => undefined });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}
