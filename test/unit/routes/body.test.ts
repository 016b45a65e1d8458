import { Hono } from "hono";
import { expect, test, vi } from "vitest";
import { limitedJson } from "../../../routes/body.ts";
import { problemOf } from "../../../routes/problem.ts";

const MAX_BYTES = 16;
const JSON_TYPE = { "content-type": "application/json" };

const app = new Hono()
  .use("*", limitedJson({ maxBytes: MAX_BYTES, timeoutMs: 1_000 }))
  .all("/", async (context) =>
    context.json({ text: await context.req.text(), type: context.req.header("content-type") }),
  )
  .onError((error) => problemOf(error));

async function send(init: RequestInit & { duplex?: "half" }): Promise<[number, unknown]> {
  const response = await app.request("/", { method: "POST", ...init });
  const body = (await response.json()) as { code?: string; text?: string };
  return [response.status, body.code ?? body.text];
}

/** A body in pieces; `then` says what happens after them. */
function inPieces(pieces: readonly string[], then: (controller: ReadableStreamDefaultController) => void) {
  const cancelled = vi.fn<(reason: unknown) => void>();
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
      then(controller);
    },
    cancel: cancelled,
  });
  return { cancelled, init: { body: stream, duplex: "half", headers: JSON_TYPE } as const };
}

test.each([
  ["arrays", (n: number) => "[".repeat(n) + "]".repeat(n)],
  ["objects", (n: number) => `${'{"a":'.repeat(n)}1${"}".repeat(n)}`],
  ["what is never closed", (n: number) => "[".repeat(n)],
  ["both, after much else", (n: number) => `[${"[[{}]],".repeat(5_000)}${'[{"b":'.repeat((n - 1) / 2)}`],
])("a body of %s is refused above 400 levels, however deep", async (_, nested) => {
  const deep = new Hono()
    .use("*", limitedJson({ maxBytes: 4_000_000, timeoutMs: 5_000 }))
    .all("/", (context) => context.text("passed"))
    .onError((error) => problemOf(error));
  const post = async (body: string): Promise<unknown[]> => {
    const response = await deep.request("/", { method: "POST", body, headers: JSON_TYPE });
    return [response.status, /"code":"([a-z-]+)"/.exec(await response.text())?.[1]];
  };
  for (const levels of [401, 100_001]) expect(await post(nested(levels))).toEqual([400, "invalid-request"]);
  expect(await post(nested(399))).toEqual([200, undefined]);
  // Brackets in texts are none, whatever is escaped in them.
  expect(await post(JSON.stringify({ text: '"\\'.repeat(11) + "[{".repeat(100_000) }))).toEqual([200, undefined]);
});

const close = (controller: ReadableStreamDefaultController): void => controller.close();

test.each([
  "application/json",
  "application/json; charset=utf-8",
  "APPLICATION/JSON",
  "application/problem+json",
  "application/json;",
  "application/json ; charset=utf-8",
  "application/vnd.x1+json",
])("a body of %s passes whole and unchanged, as JSON to every route", async (type) => {
  const response = await app.request("/", { method: "POST", body: '{"a":"ü"}', headers: { "content-type": type } });
  expect(await response.json()).toEqual({ text: '{"a":"ü"}', type: "application/json" });
});

test("a body in pieces passes, up to the last byte that is allowed", async () => {
  expect(await send(inPieces(['"23456', "789012", '345"'], close).init)).toEqual([200, '"23456789012345"']);
});

test.each(["text/plain", "application/jsonp", "text/json", "multipart/form-data; boundary=application/json", ""])(
  "a body of %j is refused",
  async (type) => {
    const headers = { "content-type": type };
    expect(await send({ body: new Blob(["1"]), headers })).toEqual([415, "unsupported-media-type"]);
  },
);

test("a compressed body is refused", async () => {
  for (const encoding of ["gzip", "br", "identity, gzip"]) {
    const headers = { ...JSON_TYPE, "content-encoding": encoding };
    expect(await send({ body: "1", headers })).toEqual([415, "unsupported-media-type"]);
  }
  expect(await send({ body: "1", headers: { ...JSON_TYPE, "content-encoding": "identity" } })).toEqual([200, "1"]);
});

test("no body needs no content type", async () => {
  expect(await send({})).toEqual([200, ""]);
  expect(await send({ body: "" })).toEqual([200, ""]);
  expect(await send({ ...inPieces([], close).init, headers: {} })).toEqual([200, ""]);
  expect(await send({ method: "DELETE" })).toEqual([200, ""]);
});

test("text that is no UTF-8 is refused", async () => {
  const body = Uint8Array.of(0x22, 0xc3, 0x28, 0x22);
  expect(await send({ body, headers: JSON_TYPE })).toEqual([400, "malformed-json"]);
});

test("a body that says that it is too large is refused before it is read", async () => {
  const { init, cancelled } = inPieces(["1"], () => undefined);
  const headers = { ...JSON_TYPE, "content-length": String(MAX_BYTES + 1) };
  expect(await send({ ...init, headers })).toEqual([413, "body-too-large"]);
  expect(cancelled).not.toHaveBeenCalled();
});

test("a body that becomes too large is refused, and not read to its end", async () => {
  const { init, cancelled } = inPieces(["1".repeat(MAX_BYTES), "1"], () => undefined);
  expect(await send(init)).toEqual([413, "body-too-large"]);
  expect(cancelled).toHaveBeenCalledOnce();
});

test("a body that lies about its length is counted", async () => {
  for (const length of ["1", "-1", "abc"]) {
    const { init } = inPieces(["1".repeat(MAX_BYTES + 1)], close);
    const headers = { ...JSON_TYPE, "content-length": length };
    expect(await send({ ...init, headers })).toEqual([413, "body-too-large"]);
  }
});

test("a body that does not come in time is refused, also when some of it came", async () => {
  vi.useFakeTimers();
  try {
    for (const pieces of [[], ["1"]]) {
      const { init, cancelled } = inPieces(pieces, () => undefined);
      const answer = send(init);
      await vi.advanceTimersByTimeAsync(999);
      expect(cancelled).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1);
      expect(await answer).toEqual([408, "body-timeout"]);
      expect(cancelled).toHaveBeenCalledOnce();
    }
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test("a body that breaks off is a bad request", async () => {
  const { init } = inPieces(["1"], (controller) => controller.error(new Error("The connection was reset")));
  expect(await send(init)).toEqual([400, "invalid-request"]);
});

test("no timer is left when a body has come", async () => {
  const set = vi.spyOn(globalThis, "setTimeout");
  const clear = vi.spyOn(globalThis, "clearTimeout");
  await send({ body: "1", headers: JSON_TYPE });
  const timers = set.mock.results.map(({ value }) => value as unknown);
  expect(timers).toHaveLength(1);
  expect(clear.mock.calls.map(([timer]) => timer as unknown)).toEqual(timers);
  vi.restoreAllMocks();
});
