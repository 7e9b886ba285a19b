import type { Transaction } from "./database.ts";

/**
 * Makes the part of Supabase that genq's tables refer to, where it is missing: its roles, which Supabase Lite makes
 * only when it needs them, and the `auth` schema, which a plain Postgres beside a Supabase project elsewhere lacks.
 */
export async function bootstrapAuth(sql: Transaction): Promise<void> {
  await sql.unsafe(`
    do $$
    declare name text; bypass text;
    begin
      foreach name in array array['anon', 'authenticated', 'service_role'] loop
        if not exists (select from pg_roles where rolname = name) then
          -- As Supabase has it, where this login may give it: the servers that enter service_role count on it.
          bypass := case when name = 'service_role' and current_setting('is_superuser')::boolean then 'bypassrls' else '' end;
          execute format('create role %I nologin noinherit %s', name, bypass);
        end if;
      end loop;
    end $$;`);
  const [state] = await sql<{ users: string | null }[]>`select to_regclass('auth.users')::text as users`;
  if (state?.users !== null) return;
  await sql.unsafe(`
    create schema if not exists auth;
    create table auth.users (id uuid primary key, email text, created_at timestamptz not null default now());
    create or replace function auth.uid() returns uuid language sql stable as $$
      select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
      )::uuid
    $$;
    grant usage on schema auth to anon, authenticated, service_role;`);
}
