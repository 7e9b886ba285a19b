import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { bootstrapAuth } from "./bootstrap-auth.ts";

const migrationsFolder = fileURLToPath(new URL("../../../../supabase/migrations/", import.meta.url));

/**
 * Applies the migrations of supabase/migrations that this database does not have yet, in order, in one transaction
 * under a lock, and notes them where the Supabase CLI does. On a plain Postgres it first makes what Supabase brings:
 * the `auth` schema and its roles. Returns the versions that it applied.
 */
export async function migrate(url: string): Promise<string[]> {
  const sql = postgres(url, { max: 1, prepare: false, onnotice: () => undefined, connect_timeout: 10 });
  try {
    return await sql.begin(async (transaction) => {
      await transaction`select pg_advisory_xact_lock(hashtext('genq.migrate'))`;
      await bootstrapAuth(transaction);
      await transaction.unsafe(`
        create schema if not exists supabase_migrations;
        create table if not exists supabase_migrations.schema_migrations
          (version text primary key, statements text[], name text);`);
      const rows = await transaction<
        { version: string }[]
      >`select version from supabase_migrations.schema_migrations`;
      const known = new Set(rows.map((row) => row.version));
      const applied: string[] = [];
      for (const file of (await readdir(migrationsFolder)).filter((name) => name.endsWith(".sql")).sort()) {
        const [version = "", ...rest] = file.slice(0, -".sql".length).split("_");
        if (known.has(version)) continue;
        const text = await readFile(`${migrationsFolder}${file}`, "utf8");
        await transaction.unsafe(text);
        await transaction`
          insert into supabase_migrations.schema_migrations (version, statements, name)
          values (${version}, ${[text]}, ${rest.join("_")})`;
        applied.push(version);
      }
      return applied;
    });
  } finally {
    await sql.end({ timeout: 2 });
  }
}
