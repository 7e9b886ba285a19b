import { PDFDocument, StandardFonts } from "@cantoo/pdf-lib";
import { codeOfPage, randomSentences } from "./random-words.ts";

/**
 * A PDF of so many pages of English-like text: the same for the same seed. Page n says "The code of page n is …".
 */
export async function makePdf(
  pages: number,
  { sentencesPerPage = 40, seed = 1 }: { sentencesPerPage?: number; seed?: number } = {},
): Promise<Uint8Array> {
  const sentence = randomSentences(seed);
  const pdf = await PDFDocument.create({ updateMetadata: false });
  const font = await pdf.embedFont(StandardFonts.Helvetica);
  for (let number = 1; number <= pages; number++) {
    const page = pdf.addPage([595, 842]);
    const lines = [`The code of page ${number} is ${codeOfPage(number)}.`];
    while (lines.length <= sentencesPerPage) lines.push(sentence());
    lines.forEach((text, line) => {
      page.drawText(text, { x: 50, y: 790 - line * 15, size: 10, font });
    });
  }
  return pdf.save({ useObjectStreams: true });
}
