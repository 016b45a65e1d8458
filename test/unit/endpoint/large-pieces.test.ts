import { expect, test } from "vitest";
import { withLargePieces } from "../../../src/endpoint/large-pieces.ts";

const PIECE = 262_144;
const URL_TO = new URL("https://worker.example/invoke/Echo/say");

/** A request whose body is `count` chunks of `bytes` bytes, and how many of them were read. */
function requestOf(count: number, bytes: number) {
  const read = { chunks: 0 };
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (read.chunks >= count) return controller.close();
        read.chunks += 1;
        controller.enqueue(new Uint8Array(bytes).fill(read.chunks % 256));
      },
    },
    { highWaterMark: 0 },
  );
  const init = { method: "POST", headers: { "x-kept": "yes" }, body, duplex: "half" } as RequestInit;
  return { request: withLargePieces(URL_TO, new Request("https://worker.example/restate/", init)), read };
}

async function piecesOf(request: Request): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of request.body ?? []) pieces.push(piece);
  return pieces;
}

test("small chunks come in one piece, the same bytes in the same order", async () => {
  const { request } = requestOf(300, 100);
  const pieces = await piecesOf(request);
  expect(pieces.map(({ length }) => length)).toEqual([30_000]);
  expect([...(pieces[0] ?? [])].filter((_, index) => index % 100 === 0)).toEqual(
    Array.from({ length: 300 }, (_, n) => (n + 1) % 256),
  );
});

test.each([
  { count: 0, bytes: 1, pieces: [] },
  { count: 1, bytes: 10, pieces: [10] },
  { count: 2, bytes: PIECE, pieces: [PIECE, PIECE] },
  { count: 5, bytes: PIECE / 2, pieces: [PIECE, PIECE, PIECE / 2] },
  { count: 3, bytes: PIECE - 1, pieces: [2 * PIECE - 2, PIECE - 1] },
])("$count chunks of $bytes bytes", async ({ count, bytes, pieces }) => {
  const { request } = requestOf(count, bytes);
  expect((await piecesOf(request)).map(({ length }) => length)).toEqual(pieces);
});

test("no more is read than is asked for", async () => {
  const { request, read } = requestOf(Infinity, PIECE / 4);
  const reader = request.body?.getReader();
  await reader?.read();
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(read.chunks).toBe(4);
  await reader?.cancel();
});

test("method, headers and the new address are kept, and a request without a body is left alone", () => {
  const { request } = requestOf(1, 1);
  expect([request.method, request.headers.get("x-kept"), request.url]).toEqual(["POST", "yes", URL_TO.href]);
  expect(withLargePieces(URL_TO, new Request("https://worker.example/restate/")).body).toBeNull();
});

test("a body that breaks off breaks off here too", async () => {
  const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("cut")) });
  const request = withLargePieces(URL_TO, new Request(URL_TO, { method: "POST", body, duplex: "half" } as RequestInit));
  await expect(piecesOf(request)).rejects.toThrow("cut");
});
