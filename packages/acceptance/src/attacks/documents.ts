import { deflateRawSync } from "node:zlib";
import { PDFDocument, StandardFonts } from "@cantoo/pdf-lib";
import { strToU8, Zip, ZipPassThrough, zipSync } from "fflate";
import { makePdf } from "../documents/make-pdf.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A copy on a buffer of its own, which a Blob takes. */
function own(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}

export async function encryptedPdf(): Promise<Bytes> {
  const pdf = await PDFDocument.create();
  pdf.addPage().drawText("Nobody may read this.", { font: await pdf.embedFont(StandardFonts.Helvetica) });
  pdf.encrypt({ userPassword: "open sesame", ownerPassword: "open sesame", permissions: {} });
  return own(await pdf.save());
}

export async function halfOfPdf(): Promise<Bytes> {
  const pdf = await makePdf(6);
  return own(pdf.slice(0, pdf.length / 2));
}

export function zip(): Bytes {
  return own(zipSync({ "readme.txt": strToU8("This is no PDF.") }));
}

const contentTypes = `<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`;
const relations = `<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`;
const documentHead = `<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>`;
const documentTail = "</w:body></w:document>";

/** fflate's own deflate takes half a minute for a bomb. */
class NativeDeflate extends ZipPassThrough {
  override compression = 8;

  protected override process(bytes: Uint8Array, final: boolean): void {
    this.ondata(null, own(deflateRawSync(bytes, { level: 1 })), final);
  }
}

function docx(document: Uint8Array): Bytes {
  const pieces: Uint8Array[] = [];
  const archive = new Zip((error, piece) => {
    if (error) throw error;
    pieces.push(piece);
  });
  const parts: [string, Uint8Array][] = [
    ["[Content_Types].xml", strToU8(contentTypes)],
    ["_rels/.rels", strToU8(relations)],
    ["word/document.xml", document],
  ];
  for (const [name, bytes] of parts) {
    const part = new NativeDeflate(name);
    archive.add(part);
    part.push(bytes, true);
  }
  archive.end();
  return own(Buffer.concat(pieces));
}

/** A Word document of very many very short pages. */
export function longDocx(pages: number): Bytes {
  const page = (number: number) =>
    `<w:p><w:r><w:t>Page ${number}.</w:t></w:r></w:p><w:p><w:r><w:br w:type="page"/></w:r></w:p>`;
  const body = Array.from({ length: pages }, (_, index) => page(index + 1)).join("");
  return docx(strToU8(documentHead + body + documentTail));
}

/** A few hundred kilobytes that become very many. */
export function bombDocx(inflatedBytes: number): Bytes {
  const document = new Uint8Array(inflatedBytes).fill(0x20);
  const head = strToU8(documentHead);
  const tail = strToU8(documentTail);
  document.set(head, 0);
  document.set(tail, document.length - tail.length);
  return docx(document);
}
