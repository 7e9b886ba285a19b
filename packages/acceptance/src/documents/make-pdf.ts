import { PDFDocument, StandardFonts } from "@cantoo/pdf-lib";

const words =
  "anchor basin cable delta ember fjord gale harbour island jetty keel lantern mooring needle oar pier quay rope sail tide".split(
    " ",
  );

/** A PDF of so many pages of English-like text, the same bytes each time. Page n says "The code of page n is …". */
export async function makePdf(
  pages: number,
  options: { wordsPerPage?: number; seed?: number } = {},
): Promise<Uint8Array> {
  const { wordsPerPage = 400, seed = 1 } = options;
  const next = randomNumbers(seed);
  const pdf = await PDFDocument.create({ updateMetadata: false });
  const font = await pdf.embedFont(StandardFonts.Helvetica);
  for (let number = 1; number <= pages; number++) {
    const page = pdf.addPage([595, 842]);
    const sentences = [`The code of page ${number} is ${codeOfPage(number)}.`];
    for (let count = 0; count < wordsPerPage; count += 10) {
      const text = Array.from({ length: 10 }, () => words[Math.floor(next() * words.length)]).join(" ");
      sentences.push(`${text.charAt(0).toUpperCase()}${text.slice(1)}.`);
    }
    sentences.forEach((sentence, line) => {
      page.drawText(sentence, { x: 50, y: 790 - line * 15, size: 10, font });
    });
  }
  return pdf.save({ useObjectStreams: true });
}

/** A word that stands on this page only. */
export function codeOfPage(page: number): string {
  const first = words[page % words.length] ?? "";
  return `${first}${page * 7919}`;
}

/** mulberry32: a small generator whose numbers are the same everywhere. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
