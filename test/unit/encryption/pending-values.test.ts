import { expect, test } from "vitest";
import { JournalCipher } from "../../../src/encryption/journal-cipher.ts";
import { PendingValues } from "../../../src/encryption/pending-values.ts";
import { journalKey } from "./keys.ts";

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

function streamOf(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  return Buffer.from(await new Response(stream).arrayBuffer());
}

/** A message of the protocol. */
function message(...parts: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}

/** Pieces of random sizes. */
function cut(bytes: Uint8Array, sizes: () => number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = Math.max(1, sizes());
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

test("a placeholder has none of the value", () => {
  const values = new PendingValues(new JournalCipher([journalKey("k1")]));
  const placeholder = Buffer.from(values.add(utf8("secret words")));
  expect(placeholder.includes("secret")).toBe(false);
  expect(placeholder.subarray(16).every((byte) => byte === 0)).toBe(true);
});

test("values are filled in however the bytes are cut, between bytes that look like them", async () => {
  const cipher = new JournalCipher([journalKey("k1")]);
  for (let round = 0; round < 200; round++) {
    const values = new PendingValues(cipher);
    const plains = Array.from({ length: 5 }, (_, n) =>
      utf8(`value ${n} ${"x".repeat(Math.floor(Math.random() * 60))}`),
    );
    const placeholders = plains.map((plain) => values.add(plain));
    const [first = new Uint8Array()] = placeholders;
    // What is no value: a head, and a piece of the mark. Two values side by side, one of them again.
    const other = Uint8Array.from([...first.subarray(0, 5), 0, 1, 2]);
    const parts = [
      ...placeholders.flatMap((placeholder) => [message(other), message(other, placeholder)]),
      message(first, first, other),
    ];
    const whole = Buffer.concat(parts);
    const filled = await bytesOf(values.fill(streamOf(cut(whole, () => Math.ceil(Math.random() * 40)))));
    expect(filled.length).toBe(whole.length);
    const opened: string[] = [];
    for (let at = 0; at < whole.length;) {
      const length = [...placeholders].find((one) => whole.subarray(at, at + one.length).equals(one))?.length;
      if (length === undefined) {
        expect(filled[at]).toBe(whole[at]);
        at += 1;
        continue;
      }
      opened.push(new TextDecoder().decode(await cipher.open(filled.subarray(at, at + length))));
      at += length;
    }
    const texts = plains.map((plain) => new TextDecoder().decode(plain));
    expect(opened).toEqual([...texts, texts[0], texts[0]]);
  }
});

test("a value is read back before it was sent", async () => {
  const cipher = new JournalCipher([journalKey("k1")]);
  const values = new PendingValues(cipher);
  const sealed = await values.find(values.add(utf8("state")));
  expect(await cipher.open(sealed ?? new Uint8Array())).toEqual(utf8("state"));
  expect(values.find(utf8("state"))).toBeUndefined();
  expect(values.find(new Uint8Array())).toBeUndefined();
});

test("an answer that ends inside of a message fails, and sends no placeholder", async () => {
  const values = new PendingValues(new JournalCipher([journalKey("k1")]));
  const placeholder = values.add(utf8("state"));
  const body = values.fill(streamOf([message(placeholder).slice(0, 28)]));
  await expect(bytesOf(body)).rejects.toThrow("ended inside of a message");
});

test("a value that cannot be encrypted fails the answer", async () => {
  const cipher = new JournalCipher([journalKey("k1")]);
  const values = new PendingValues({
    begin: () => ({ length: 40, sealed: Promise.reject(new Error("no entropy")) }),
    keyIds: cipher.keyIds,
  } as unknown as JournalCipher);
  await expect(bytesOf(values.fill(streamOf([message(values.add(utf8("state")))])))).rejects.toThrow("no entropy");
});

test("a whole message is not held back, whatever it ends with", async () => {
  const values = new PendingValues(new JournalCipher([journalKey("k1")]));
  const mark = values.add(utf8("state")).slice(0, 1);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const reader = values.fill(readable).getReader();
  const writer = writable.getWriter();
  const sent = message(mark);
  void writer.write(sent);
  expect((await reader.read()).value).toEqual(sent);
});
