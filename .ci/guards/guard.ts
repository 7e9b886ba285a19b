/** A line of code that a promise hangs on, and the test that tells when it is gone. */
export interface Guard {
  /** kebab-case; what `--only` takes. */
  name: string;
  /** What goes wrong without it. */
  protects: string;
  /** How it is taken out. */
  edits: Edit[];
  /** What must go red then: a test file and the test's full name, with the names of its `describe`s. */
  test: { file: string; name: string };
  /** For what only the embedded Postgres has: with `--servers` too, its test runs without them. */
  embedded?: boolean;
}

/** `find` stands in the file exactly once, so that this list can't outlive the code. */
export interface Edit {
  file: string;
  find: string;
  replace: string;
}
