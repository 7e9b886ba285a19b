import type { PostgresType } from "postgres";
import { parse } from "postgres-array";

/** Of `pg_type`; they never change. */
const oid = { integers: 1007, texts: 1009, uuids: 2951 } as const;

const texts = { serialize, parse: (text: string) => parse(text) };

/**
 * The arrays that travel between genq and Postgres, for the driver's option `types`. With `fetch_types` it asks each new
 * connection for all array types, and a connection that is lost just then, and can't be made anew, ends the whole process:
 * nobody handles the rejection (postgres 3.4.9, `fetchArrayTypes`).
 */
export const arrayTypes: Record<"integers" | "texts" | "uuids", PostgresType> = {
  integers: {
    to: oid.integers,
    from: [oid.integers],
    serialize,
    parse: (text: string) => parse(text, Number),
  },
  texts: { to: oid.texts, from: [oid.texts], ...texts },
  uuids: { to: oid.uuids, from: [oid.uuids], ...texts },
};

/** As an array literal. Text that is one already is left alone. */
function serialize(values: unknown): string {
  if (!Array.isArray(values)) return String(values);
  return `{${values.map(literal).join()}}`;
}

function literal(value: unknown): string {
  if (value === undefined) throw new TypeError("An array for Postgres holds an undefined value.");
  return value === null ? "NULL" : `"${String(value).replaceAll(/["\\]/g, "\\$&")}"`;
}
