/** The client of the stream object, against a server that speaks as Restate's ingress does. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { IngressClient } from "../../../src/ingress/ingress-client.ts";
import { restateStreamStore } from "../../../src/stream/restate-stream-store.ts";
import type { StreamObjectPage } from "../../../src/stream/stream-object-state.ts";
import type { StreamStore } from "../../../src/stream/stream-store.ts";
import { listen, type LoopbackServer, readJson } from "../../../src/testing/http-server.ts";
import { batch, delta } from "./contract.ts";

/** What is answered, by `<key>/<handler>`. */
let answers: Record<string, { readonly status?: number; readonly headers?: object; readonly body: unknown }> = {};
let calls: { readonly path: string; readonly body: unknown }[] = [];
let server: LoopbackServer;
let store: StreamStore;

beforeAll(async () => {
  server = await listen(async (request, response) => {
    const path = decodeURIComponent((request.url ?? "").replace("/restate/call/Streams/", ""));
    calls.push({ path, body: await readJson(request) });
    const { status = 200, headers = {}, body } = answers[path] ?? { status: 404, body: { message: "no such service" } };
    const id = answers[path] === undefined ? {} : { "x-restate-id": "inv_1" };
    response.writeHead(status, { "content-type": "application/json", ...id, ...headers });
    response.end(JSON.stringify(body));
  });
  const client = new IngressClient({ url: server.url });
  store = restateStreamStore("Streams", { ingress: () => client, timeoutMs: 1_000 });
});
afterAll(() => server.close());
beforeEach(() => {
  answers = {};
  calls = [];
});

const page = (more: Partial<StreamObjectPage>): StreamObjectPage => ({
  exists: true,
  ended: false,
  blocks: [],
  first: 1,
  chunks: [],
  more: false,
  ...more,
});
const answered = { result: "written", tail: { segment: 1, count: 1, complete: false }, stop: false };

test("blocks and tail are one page, without what the reader has", async () => {
  const blocks = [
    { index: 3, first: 7 },
    { index: 4, first: 9 },
  ];
  answers = {
    "s/t/read": { body: page({ blocks, first: 10, chunks: [delta("10")], ended: true }) },
    "s/t#3/block": { body: [delta("7"), delta("8")] },
    "s/t#4/block": { body: [delta("9")] },
  };
  const { entries, ended } = await store.read("s/t", { after: 7, waitMs: 0 });
  expect(entries).toEqual([8, 9, 10].map((offset) => ({ offset, chunk: delta(String(offset)) })));
  expect(ended).toBe(true);
  expect(calls[0]).toEqual({ path: "s/t/read", body: 7 });
});

test("a block that is on its way still holds up what comes after it, and the end", async () => {
  const blocks = [
    { index: 0, first: 1 },
    { index: 1, first: 2 },
  ];
  answers = {
    "s/read": { body: page({ blocks, first: 3, chunks: [delta("3")], ended: true }) },
    "s#0/block": { body: [delta("1")] },
    "s#1/block": { body: null },
  };
  const first = { offset: 1, chunk: delta("1") };
  expect(await store.read("s", { after: 0, waitMs: 0 })).toEqual({ entries: [first], ended: false, exists: true });
});

test("a page that is not the last one has no end", async () => {
  answers = {
    "s/read": { body: page({ blocks: [{ index: 0, first: 1 }], first: 9, ended: true, more: true }) },
    "s#0/block": { body: [delta("1")] },
  };
  expect(await store.read("s", { after: 0, waitMs: 0 })).toMatchObject({ ended: false });
});

test("a large batch is sent in parts, and none after one that is not taken", async () => {
  const large = batch(
    1,
    0,
    Array.from({ length: 6 }, (_, n) => `${n}`.repeat(100_000)),
  );
  answers = { "s/append": { body: answered } };
  await store.append("s", large);
  expect(calls.map(({ body }) => (body as { readonly batch: { readonly from: number } }).batch.from)).toEqual([
    0, 2, 4,
  ]);
  answers = { "s/append": { body: { ...answered, result: "refused" } } };
  calls = [];
  expect(await store.append("s", large)).toMatchObject({ result: "refused" });
  expect(calls).toHaveLength(1);
});

test("a handler's error keeps its code and facts", async () => {
  const metadata = {
    "restate-edge-agents": JSON.stringify({ errorCode: "stream-too-large", fields: { maxBytes: 5 } }),
  };
  const headers = { "x-restate-error-source": "invocation" };
  answers = { "s/append": { status: 413, headers, body: { code: 413, message: "full", metadata } } };
  await expect(store.append("s", batch(1, 0, ["a"]))).rejects.toMatchObject({
    errorCode: "stream-too-large",
    code: 413,
    fields: { maxBytes: 5 },
  });
  answers = { "s/append": { status: 500, headers, body: { code: 500, message: "killed" } } };
  await expect(store.append("s", batch(1, 0, ["a"]))).rejects.toMatchObject({ errorCode: "stream-store-failed" });
});

test("an object that is not registered, and a Restate that is away, are told apart", async () => {
  await expect(store.stop("s")).rejects.toMatchObject({ errorCode: "restate-refused" });
  answers = { "s/stop": { status: 503, body: {} } };
  await expect(store.stop("s")).rejects.toMatchObject({ errorCode: "restate-unreachable" });
});

test("what is given up is given up", async () => {
  const left = new AbortController();
  left.abort(new Error("left"));
  await expect(store.append("s", batch(1, 0, ["a"]), left.signal)).rejects.toThrow("left");
});

test("without the app's settings it says which one is missing", async () => {
  const before = process.env["RESTATE_INGRESS_URL"];
  try {
    process.env["RESTATE_INGRESS_URL"] = " ";
    const own = restateStreamStore("Streams");
    await expect(own.stop("s")).rejects.toMatchObject({ errorCode: "restate-not-configured", code: 503 });
    process.env["RESTATE_INGRESS_URL"] = `${server.url}/`;
    answers = { "s/stop": { body: null } };
    await own.stop("s");
    expect(calls).toHaveLength(1);
  } finally {
    if (before === undefined) delete process.env["RESTATE_INGRESS_URL"];
    else process.env["RESTATE_INGRESS_URL"] = before;
  }
});
