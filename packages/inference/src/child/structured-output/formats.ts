import { z } from "zod";

const month31 = "(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])";
const month30 = "(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)";
// Without leap days: which years have one takes a line of its own, and no answer needs it.
const date = `\\d{4}-(?:${month31}|${month30}|02-(?:0[1-9]|1\\d|2[0-8]))`;
const clock = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?";
const name = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?";
const domain = `(?:${name}\\.){1,4}[A-Za-z]{2,10}`;
const byte = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]\\d|\\d)";
const path = "(?:[A-Za-z0-9._~/=&+-]|%[0-9A-F]{2})*";

/** A pattern of texts that have the format, whichever checker is asked: what is rare is left out. */
export const formats: Readonly<Record<string, string>> = {
  date,
  time: `${clock}Z`,
  "date-time": `${date}T${clock}Z`,
  duration: "P(?:\\d{1,4}[YMD]|T\\d{1,4}[HMS])",
  email: `[A-Za-z0-9_+-]{1,30}(?:\\.[A-Za-z0-9_+-]{1,30})?@${domain}`,
  hostname: domain,
  ipv4: `${byte}(?:\\.${byte}){3}`,
  ipv6: "[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}",
  uri: `https?://${domain}(?:/${path}(?:\\?${path})?)?`,
  uuid: "[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
};

/** Patterns that zod writes beside these formats, with look-around; the formats' own texts match them. */
export const zodPatterns: ReadonlySet<string> = new Set(
  [z.regexes.email, z.regexes.duration].map(({ source }) => source),
);
