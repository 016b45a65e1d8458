import { expect, test } from "vitest";
import { withLargePieces } from "../../src/endpoint/large-pieces.ts";

const url = new URL("https://worker.example/invoke/Echo/say");

/** A body that the runtime owns, as one from the network: it is read through `readAtLeast`. */
test.each([0, 1, 262_143, 262_144, 262_145, 600_000])("a body of %i bytes comes whole", async (length) => {
  const bytes = Uint8Array.from({ length }, (_, index) => index % 251);
  const request = withLargePieces(url, new Request(url, { method: "POST", body: bytes }));
  const got = new Uint8Array(await request.arrayBuffer());
  expect(got.length).toBe(length);
  expect(got.every((byte, index) => byte === index % 251)).toBe(true);
});

test("a body that comes in small pieces comes whole", async () => {
  const { readable, writable } = new FixedLengthStream(100_000);
  const writer = writable.getWriter();
  const written = (async () => {
    for (let at = 0; at < 1_000; at++) await writer.write(new Uint8Array(100).fill(at % 251));
    await writer.close();
  })();
  const pieces: Uint8Array[] = [];
  const request = withLargePieces(url, new Request(url, { method: "POST", body: readable }));
  for await (const piece of request.body ?? []) pieces.push(piece);
  await written;
  expect(pieces.map((piece) => piece.length)).toEqual([100_000]);
  expect([...(pieces[0] ?? [])].filter((_, index) => index % 100 === 0)).toEqual(
    Array.from({ length: 1_000 }, (_, at) => at % 251),
  );
});
