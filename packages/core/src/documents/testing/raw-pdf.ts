/** An indirect object's body; with `stream` its bytes, whose length is filled in. */
export interface RawPdfObject {
  body: string;
  stream?: string | Uint8Array;
}

/** Writes a PDF by hand, for what no library writes: broken streams, fonts that are named only, pages of pictures. */
export function writeRawPdf(objects: RawPdfObject[]): Uint8Array {
  const chunks: Buffer[] = [Buffer.from("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "latin1")];
  const offsets: number[] = [];
  let size = chunks[0]?.length ?? 0;
  const add = (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
  };
  for (const [index, { body, stream }] of objects.entries()) {
    offsets.push(size);
    if (stream === undefined) add(Buffer.from(`${index + 1} 0 obj\n${body}\nendobj\n`, "latin1"));
    else {
      const bytes = typeof stream === "string" ? Buffer.from(stream, "latin1") : Buffer.from(stream);
      const dictionary = body.replace(/>>\s*$/, ` /Length ${bytes.length} >>`);
      add(Buffer.from(`${index + 1} 0 obj\n${dictionary}\nstream\n`, "latin1"));
      add(bytes);
      add(Buffer.from("\nendstream\nendobj\n", "latin1"));
    }
  }
  const entries = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  const count = objects.length + 1;
  const trailer = `trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${size}\n%%EOF\n`;
  add(Buffer.from(`xref\n0 ${count}\n0000000000 65535 f \n${entries}${trailer}`, "latin1"));
  return Buffer.concat(chunks);
}

/** A PDF of pages with these contents (PDF operators, or bytes with their filter) and one font, `/F1`. */
export function writeRawPages(
  contents: { operators: string | Uint8Array; filter?: string }[],
  font: RawPdfObject[] = [{ body: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>" }],
): Uint8Array {
  const firstPage = 3 + font.length;
  const kids = contents.map((_, index) => `${firstPage + index * 2} 0 R`).join(" ");
  const pages = contents.flatMap(({ operators, filter }, index): RawPdfObject[] => [
    {
      body: `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${firstPage + index * 2 + 1} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
    },
    { body: filter ? `<< /Filter [/${filter}] >>` : "<< >>", stream: operators },
  ]);
  return writeRawPdf([
    { body: "<< /Type /Catalog /Pages 2 0 R >>" },
    { body: `<< /Type /Pages /Count ${contents.length} /Kids [${kids}] >>` },
    ...font,
    ...pages,
  ]);
}

/** A Japanese font that is not embedded: text can be read only with the predefined character map `encoding`. */
export function namedJapaneseFont(encoding: string): RawPdfObject[] {
  return [
    {
      body: `<< /Type /Font /Subtype /Type0 /BaseFont /HeiseiMin-W3 /Encoding /${encoding} /DescendantFonts [4 0 R] >>`,
    },
    {
      body: "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /HeiseiMin-W3 /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> /DW 1000 /FontDescriptor 5 0 R >>",
    },
    {
      body: "<< /Type /FontDescriptor /FontName /HeiseiMin-W3 /Flags 4 /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >>",
    },
  ];
}

/** Operators that show lines from the page's top down; each string is a PDF string operand, `(text)` or `<hex>`. */
export function showLines(lines: string[], size = 12): string {
  const shown = lines.map((line) => `${line} Tj T*`).join("\n");
  return `BT /F1 ${size} Tf ${size * 1.4} TL 72 760 Td\n${shown}\nET`;
}
