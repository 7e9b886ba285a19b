import postgres from "postgres";
import {
  closeDatabase,
  type Database,
  type DatabaseRole,
  openDatabase,
  type Transaction,
} from "../../src/db/index.ts";

/** A migrated database whose clock stands still until the test moves it. */
export interface ClockedDatabase {
  /** Milliseconds since 1970. */
  now: number;
  /** One connection, whose transactions are at the time of this clock. Closed by `end`. */
  open(role: DatabaseRole): Database;
  /** As the owner of the tables. */
  readonly sql: postgres.Sql;
  end(): Promise<void>;
}

/**
 * Puts functions of our own before those of Postgres: every `now()` of genq's queries, defaults and functions then
 * tells the setting `genq.clock`. The rest is the schema as it was migrated.
 */
const installClock = `
  create schema genq_clock;
  create function genq_clock.now() returns timestamptz language sql stable
    as $$ select current_setting('genq.clock')::timestamptz $$;
  create function genq_clock.clock_timestamp() returns timestamptz language sql stable
    as $$ select current_setting('genq.clock')::timestamptz $$;
  create function genq_clock.ms(at timestamptz) returns float8 language sql immutable
    as $$ select extract(epoch from at) * 1000 $$;
  grant usage on schema genq_clock to public;
  do $$
  declare item record;
  begin
    for item in
      select d.adrelid::regclass as "table", a.attname as "column", pg_get_expr(d.adbin, d.adrelid) as expression
      from pg_attrdef d join pg_class c on c.oid = d.adrelid
        join pg_attribute a on a.attrelid = c.oid and a.attnum = d.adnum
      where c.relnamespace = 'genq'::regnamespace and pg_get_expr(d.adbin, d.adrelid) ~ '(now|clock_timestamp)\\(\\)'
    loop
      execute format('alter table %s alter column %I set default %s', item."table", item."column",
        regexp_replace(item.expression, '\\m(now|clock_timestamp)\\(\\)', 'genq_clock.\\1()', 'g'));
    end loop;
    for item in
      select p.oid::regprocedure as "function" from pg_proc p
      where p.pronamespace = 'genq'::regnamespace and p.proconfig::text like '%search_path%'
    loop
      execute format('alter function %s set search_path = genq_clock, pg_catalog', item."function");
    end loop;
  end $$`;

export async function openClockedDatabase(url: string): Promise<ClockedDatabase> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined, connection: { application_name: "model" } });
  await sql.unsafe(installClock);
  const opened: Database[] = [];
  const clocked: ClockedDatabase = {
    now: 0,
    sql,
    open: (role) => {
      const database = openDatabase({ url, role, max: 1, prepare: true });
      opened.push(database);
      return { ...database, sql: withClock(database.sql, clocked) };
    },
    end: async () => {
      await Promise.all(opened.map(closeDatabase));
      await sql.end({ timeout: 2 });
    },
  };
  return clocked;
}

type Work = (sql: Transaction) => Promise<unknown>;

/** `inTransaction` begins here. */
function withClock(sql: Database["sql"], clock: { readonly now: number }): Database["sql"] {
  const begin = (work: Work) => sql.begin((transaction) => work(atTime(transaction, clock)));
  return new Proxy(sql, { get: (target, name) => (name === "begin" ? begin : Reflect.get(target, name)) });
}

/** The first query enters the role and sets the search path; ours follows it at once, before those of the work. */
function atTime(sql: Transaction, clock: { readonly now: number }): Transaction {
  let entered = false;
  return new Proxy(sql, {
    apply: (target, self, args) => {
      const query = Reflect.apply(target, self, args);
      if (entered) return query;
      entered = true;
      query.execute();
      sql`select set_config('search_path', 'genq_clock, pg_catalog, genq, public, extensions', true),
        set_config('genq.clock', ${new Date(clock.now).toISOString()}, true)`.execute();
      return query;
    },
  });
}
