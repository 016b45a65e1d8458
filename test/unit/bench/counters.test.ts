import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import type { Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { startCountingProxy } from "../../../bench/usage/counting-proxy.ts";
import { Http1Counter, type TrafficCounter } from "../../../bench/usage/http1-counter.ts";
import { Http2Counter } from "../../../bench/usage/http2-counter.ts";

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** What a counter says after it got the bytes in pieces of `size`. */
function counted(counter: TrafficCounter, bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) counter.push(bytes.subarray(at, at + size));
  return { requests: counter.requests, bodyBytes: counter.bodyBytes };
}

describe("HTTP/1.1, whatever pieces it comes in", () => {
  const bytes = Buffer.from(
    "GET /health HTTP/1.1\r\nhost: a\r\n\r\n" +
      "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" +
      "POST /b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5;x=y\r\nhe\r\nl\r\nA\r\n0123456789\r\n0\r\ntrailer: 1\r\n\r\n" +
      "POST /c HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" +
      "POST /d HTTP/1.1\r\ncontent-length: 2\r\n\r\nok",
  );
  test.each([1, 2, 3, 7, 1000])("in pieces of %i bytes", (size) => {
    expect(counted(new Http1Counter(), bytes, size)).toEqual({ requests: 5, bodyBytes: 5 + 15 + 2 });
  });
});

describe("HTTP/2, whatever pieces it comes in", () => {
  const frame = (type: number, stream: number, payload: string) => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, Buffer.from(payload)]);
  };
  const bytes = Buffer.concat([
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    frame(4, 0, "settings"),
    frame(1, 1, "headers"),
    frame(0, 1, "hello"),
    frame(1, 3, "headers"),
    frame(0, 1, ""),
    frame(0, 3, "0123456789"),
    frame(1, 1, "trailers"),
  ]);
  test.each([1, 5, 9, 24, 1000])("in pieces of %i bytes", (size) => {
    expect(counted(new Http2Counter(), bytes, size)).toEqual({ requests: 2, bodyBytes: 15 });
  });
});

describe("the counting proxy", () => {
  test("counts real HTTP/1.1 requests and passes the answers on", async () => {
    const server = createServer((request, response) => void request.pipe(response)).listen(0, "127.0.0.1");
    cleanups.push(() => void server.close());
    const proxy = await startCountingProxy(await listening(server), "http1");
    cleanups.push(() => proxy.close());
    expect(await (await fetch(proxy.url, { method: "POST", body: "hello" })).text()).toBe("hello");
    const chunked = httpRequest(proxy.url, { method: "POST", agent: false });
    const answered = new Promise((resolve) =>
      chunked.on("response", (response) => response.resume().on("end", resolve)),
    );
    chunked.write("12345");
    chunked.end("67");
    await answered;
    expect(proxy.counts()).toEqual({ requests: 2, uploadedBytes: 12 });
  });

  test("counts real HTTP/2 requests of one connection", async () => {
    const server = createHttp2Server((request, response) => void request.pipe(response)).listen(0, "127.0.0.1");
    const proxy = await startCountingProxy(await listening(server), "http2");
    const session = connectHttp2(proxy.url);
    cleanups.push(
      () => void server.close(),
      () => proxy.close(),
      () => session.destroy(),
    );
    for (const body of ["hello", "x".repeat(50_000)]) {
      const stream = session.request({ ":method": "POST", ":path": "/" });
      stream.end(body);
      let answer = "";
      for await (const chunk of stream.setEncoding("utf8")) answer += String(chunk);
      expect(answer).toBe(body);
    }
    expect(proxy.counts()).toEqual({ requests: 2, uploadedBytes: 50_005 });
  });
});

async function listening(server: Server): Promise<string> {
  await once(server, "listening");
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : address}`;
}
