import Encoding from "encoding-japanese";
import { describe, expect, test } from "vitest";
import { defaultParseLimits } from "../parse-limits.ts";
import type { DocumentReader, ReaderContext } from "./document-reader.ts";
import { readCsv } from "./read-csv.ts";
import { htmlToText, readHtml } from "./read-html.ts";
import { readJson } from "./read-json.ts";
import { readText } from "./read-text.ts";

const context: ReaderContext = { limits: defaultParseLimits, onProgress: () => undefined };
const bytes = (text: string) => new TextEncoder().encode(text);

async function readAll(reader: DocumentReader): Promise<string> {
  let text = "";
  for (let part = 1; part <= reader.parts; part++) {
    const read = await reader.read(part);
    if (!("text" in read)) throw new Error(read.failure);
    expect(read.charOffset).toBe(text.length);
    text += read.text;
  }
  return text;
}

describe("text", () => {
  test("loses NUL, control characters and halves of surrogate pairs", async () => {
    const utf16 = Buffer.from("\ufeffa\0b \ud800 c\u0007\r\nd   \n\n\n\ne", "utf16le");
    expect(await readAll(readText(new Uint8Array(utf16), context))).toBe("ab \ufffd c\nd\n\ne");
  });

  test("comes in sections that are the text when put together", async () => {
    const paragraphs = Array.from({ length: 500 }, (_, n) => `${n} ${"word ".repeat(n % 90)}`.trim()).join(
      "\n\n",
    );
    const reader = readText(bytes(paragraphs), context);
    expect(reader.parts).toBeGreaterThan(3);
    expect(await readAll(reader)).toBe(paragraphs);
    const second = await reader.read(2);
    expect("text" in second && second.text).toMatch(/^\d/);
  });

  test("of one 5 MB line is cut between words, or characters", async () => {
    for (const unit of ["lorem ", "日本", "👍"]) {
      const text = unit.repeat(5_000_000 / Buffer.byteLength(unit)).trim();
      const reader = readText(bytes(text), context);
      const part = await reader.read(2);
      expect("text" in part && part.text.isWellFormed() && part.text.length <= 16_000).toBe(true);
      expect(await readAll(reader)).toBe(text);
    }
  });

  test("has a limit", () => {
    const limits = { ...defaultParseLimits, maxCharacters: 10 };
    expect(() => readText(bytes("more than ten"), { ...context, limits })).toThrow(
      expect.objectContaining({ code: "document_too_large" }),
    );
  });
});

describe("CSV", () => {
  test("names each value by its column", async () => {
    const csv = 'Name,City,Note\r\nAda,London,"said ""hi"",\nleft"\r\nBob,,x\r\n';
    expect(await readAll(readCsv(bytes(csv), context))).toBe(
      'Name: Ada; City: London; Note: said "hi",\nleft\n\nName: Bob; Note: x',
    );
  });

  test("in Shift_JIS with tabs", async () => {
    const sjis = Encoding.convert(Encoding.stringToCode("品名\t価格\nりんご\t120\n"), {
      to: "SJIS",
      from: "UNICODE",
    });
    expect(await readAll(readCsv(Uint8Array.from(sjis), context))).toBe("品名: りんご; 価格: 120");
  });

  test("without a header, or that no parser reads", async () => {
    expect(await readAll(readCsv(bytes("1,2\n3,4\n"), context))).toBe("1; 2\n\n3; 4");
    expect(await readAll(readCsv(bytes('a,b\n"never closed,1\n'), context))).toContain("never closed");
  });
});

describe("JSON", () => {
  test("tells each value's path", async () => {
    const json = JSON.stringify({ title: "T", list: [{ a: 1, b: [true, null] }, { a: 2 }], "": "x" });
    expect(await readAll(readJson(bytes(json), context))).toBe(
      "title: T\n\nlist[0].a: 1\nlist[0].b[0]: true\n\nlist[1].a: 2\n: x",
    );
  });

  test("nested 100,000 deep", async () => {
    const deep = `${'{"a":['.repeat(50_000)}"bottom"${"]}".repeat(50_000)}`;
    expect(await readAll(readJson(bytes(deep), context))).toBe("…a[0].a[0].a[0].a[0]: bottom");
  });

  test("that is malformed stays text", async () => {
    expect(await readAll(readJson(bytes('{"a": nope'), context))).toBe('{"a": nope');
  });
});

describe("HTML", () => {
  test("keeps blocks and drops what nobody reads", () => {
    const html = `<html><head><title>Title</title><style>p{}</style></head><body><nav>Menu</nav>
      <h1>One  <b>two</b></h1><p>Text<br>line<script>x()</script></p><ul><li>a</li><li>b</li></ul>
      <table><tr><th>k</th><th>v</th></tr><tr><td>x</td><td>1</td></tr></table>
      <pre>a  b\n  c</pre><p hidden>no</p><footer>Imprint</footer></body></html>`;
    expect(htmlToText(html)).toBe("# One two\n\nText\nline\n\n- a\n- b\n\nk | v\nx | 1\n\na  b\n  c");
  });

  test("has its title when it has no heading", () => {
    expect(htmlToText("<title>A &amp; B</title><p>x")).toBe("# A & B\n\nx");
  });

  test("that is all navigation is read all the same", () => {
    expect(htmlToText("<nav><a href=x>Only link</a></nav>")).toBe("Only link");
  });

  test("nested 50,000 deep", () => {
    expect(htmlToText(`${"<b>".repeat(50_000)}x`)).toBe("x");
  });

  test("in the encoding that it declares", async () => {
    const koi8 = Buffer.concat([Buffer.from('<meta charset="koi8-r"><p>'), Buffer.from([0xf0, 0xd2, 0xc9])]);
    expect(await readAll(readHtml(koi8, context))).toBe("При");
  });
});
