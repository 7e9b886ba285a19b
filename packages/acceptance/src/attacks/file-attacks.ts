import { call } from "../testing/call.ts";
import { type Attack, outcomeOf, type Scene, sendFile } from "./attack.ts";
import { bombDocx, encryptedPdf, halfOfPdf, longDocx, zip } from "./documents.ts";

const plain = (name: string): ((scene: Scene) => ReturnType<typeof sendFile>) => {
  return (scene) => sendFile(scene, `A text that is named ${crypto.randomUUID()}.`, name, "text/plain");
};

/** A multipart body that is sent without a Content-Length. */
function chunked(fileBytes: number): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const piece = encoder.encode("a".repeat(65_536));
  let left = fileBytes;
  return new ReadableStream({
    start: (stream) => stream.enqueue(encoder.encode(partHead)),
    pull: (stream) => {
      if (left > 0) {
        stream.enqueue(piece);
        left -= piece.length;
        return;
      }
      stream.enqueue(encoder.encode("\r\n--x--\r\n"));
      stream.close();
    },
  });
}

const multipart = { "content-type": "multipart/form-data; boundary=x" };
const partHead = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n';

async function sendRaw(
  scene: Scene,
  headers: Record<string, string>,
  body: string | ReadableStream<Uint8Array>,
) {
  return outcomeOf(await call(`${scene.apiUrl}/upload`, "POST", { token: scene.token, headers, body }));
}

export const fileAttacks: Attack[] = [
  { name: "empty file", send: (scene) => sendFile(scene, "", "empty.txt"), expected: ["422 document_empty"] },
  { name: "0-byte PDF", send: (scene) => sendFile(scene, "", "empty.pdf"), expected: ["422 document_empty"] },
  {
    name: "encrypted PDF",
    send: async (scene) => sendFile(scene, await encryptedPdf(), "encrypted.pdf"),
    expected: ["422 document_encrypted"],
  },
  {
    name: "PDF cut in half",
    send: async (scene) => sendFile(scene, await halfOfPdf(), "half.pdf"),
    expected: ["422 document_corrupt"],
  },
  {
    name: "ZIP called .pdf",
    send: (scene) => sendFile(scene, zip(), "zip.pdf", "application/pdf"),
    expected: ["415 unsupported_media_type"],
  },
  {
    name: "10,000-page DOCX",
    send: (scene) => sendFile(scene, longDocx(10_000), "long.docx"),
    expected: ["202 ready", "422 document_too_large"],
  },
  {
    name: "zip-bomb DOCX (400 MB in 2 MB)",
    send: (scene) => sendFile(scene, bombDocx(400_000_000), "bomb.docx"),
    expected: ["422 document_too_large"],
  },
  { name: "name with ../", send: plain("../../etc/passwd.txt"), expected: ["400 invalid_request"] },
  {
    name: "name with NUL",
    send: plain("a\u0000b.txt"),
    expected: ["400 invalid_request", "400 malformed_multipart"],
  },
  { name: "name with emoji", send: plain("🦜🏴‍☠️.txt"), expected: ["202 ready"] },
  {
    name: "name of 300 characters",
    send: plain(`${"n".repeat(296)}.txt`),
    expected: ["400 invalid_request"],
  },
  {
    name: "text of one 1 MB line",
    send: (scene) => sendFile(scene, "lorem".repeat(200_000), "line.txt"),
    expected: ["202 ready", "422 document_too_large"],
  },
  {
    name: "text of lone surrogates (CESU-8)",
    send: (scene) =>
      sendFile(scene, Uint8Array.of(0x61, 0x20, 0xed, 0xa0, 0x80, 0x20, 0x62, 0x0a), "surrogates.txt"),
    expected: ["202 ready", "415 unsupported_media_type", "422 document_corrupt"],
  },
  {
    name: "file over the limit, with Content-Length",
    send: async (scene) => sendFile(scene, new Uint8Array(scene.uploadBytes + 1).fill(0x61), "large.txt"),
    expected: ["413 payload_too_large"],
  },
  {
    name: "file over the limit, without Content-Length",
    send: (scene) => sendRaw(scene, multipart, chunked(scene.uploadBytes + 1_000_000)),
    expected: ["413 payload_too_large"],
  },
  {
    name: "multipart that breaks off",
    send: (scene) => sendRaw(scene, multipart, `${partHead}half of it`),
    expected: ["400 malformed_multipart"],
  },
  {
    name: "multipart without a file",
    send: (scene) =>
      sendRaw(
        scene,
        multipart,
        '--x\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\na\r\n--x--\r\n',
      ),
    expected: ["400 malformed_multipart"],
  },
  {
    name: "upload that is no multipart",
    send: (scene) => sendRaw(scene, { "content-type": "application/pdf" }, "%PDF-1.7"),
    expected: ["415 unsupported_media_type"],
  },
];
