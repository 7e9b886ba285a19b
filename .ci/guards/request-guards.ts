import type { Guard } from "./guard.ts";

const unparsed = "apps/api/src/http/answer-unparsed.ts";
const serveTest = "apps/api/test/serve.int.test.ts";
const name = (what: string) =>
  `what is no request ${what} is answered with a problem, and its connection is closed`;

/** What comes over the wire is answered in one form, and costs no more than itself. */
export const requestGuards: Guard[] = [
  {
    name: "unparsed-is-a-problem",
    protects: "A request that is no HTTP is answered without a problem.",
    edits: [
      {
        file: "apps/api/src/serve.ts",
        find: `server.on("clientError", answerUnparsed(goodbye.running));`,
        replace: "void answerUnparsed;",
      },
    ],
    test: { file: serveTest, name: name("headers of 100 kB") },
  },
  {
    name: "unparsed-is-let-go",
    protects: "A client that is refused and never closes its side keeps its connection.",
    edits: [
      {
        file: unparsed,
        find: "const timer = setTimeout(() => socket.destroy(), goodbyeMs);",
        replace: "const timer = setTimeout(() => undefined, goodbyeMs);",
      },
    ],
    test: { file: serveTest, name: name("a control character in a header") },
  },
  {
    name: "unparsed-in-its-place",
    protects: "The refusal of what came after a request is taken for that one's answer.",
    edits: [
      {
        file: unparsed,
        find: "current.headersSent || current.req.complete",
        replace: "current.headersSent",
      },
    ],
    test: { file: serveTest, name: "what is no request behind a request is not answered in its place" },
  },
];
