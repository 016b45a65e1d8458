/** Streams in Restate's virtual object, on the real stack: restate-server, and workerd or Deno serving the object. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { IngressClient } from "../../src/ingress/ingress-client.ts";
import { restateStreamStore } from "../../src/stream/restate-stream-store.ts";
import type { StreamStore } from "../../src/stream/stream-store.ts";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import { type ServedEndpoint, serveDeno, serveWorker } from "../../src/testing/serve.ts";
import { LIMITS } from "../fixtures/streams/services.ts";
import {
  batch,
  describeLimits,
  describeStreamStore,
  newStream,
  readAll,
  until,
  writer,
} from "../unit/stream-stores/contract.ts";

const RUNTIMES = (process.env["RUNTIMES"] ?? "workerd,deno").split(",");

describe.each(["workerd", "deno"].filter((runtime) => RUNTIMES.includes(runtime)))("on %s", (runtime) => {
  let restate: RestateTestServer;
  let endpoint: ServedEndpoint;
  const storeOf = (service: string): StreamStore => {
    const client = new IngressClient({ url: restate.ingressUrl });
    return restateStreamStore(service, { ingress: () => client, timeoutMs: 10_000 });
  };

  beforeAll(async () => {
    const entry = (file: string): string => new URL(`../fixtures/streams/${file}.ts`, import.meta.url).pathname;
    const vars = { ENVIRONMENT: "development" };
    [restate, endpoint] = await Promise.all([
      startRestate(),
      runtime === "workerd" ? serveWorker({ entry: entry("worker"), vars }) : serveDeno({ entry: entry("deno"), vars }),
    ]);
    await restate.register(`${endpoint.url}/restate`, { http11: endpoint.http11 });
  }, 120_000);
  afterAll(() => Promise.all([restate?.stop(), endpoint?.stop()]));

  describeStreamStore("Restate object", async () => ({
    store: storeOf("Streams"),
    restart: () => restate.restart(),
    close: async () => {},
  }));
  describeLimits("Restate object", async () => ({ store: storeOf("BriefStreams"), ...LIMITS }));

  test("the object stays small however long the stream is, and forgets its blocks with it", async () => {
    const [store, stream] = [storeOf("Streams"), newStream()];
    let largest = 0;
    for (let n = 0; n < 40; n++) {
      await store.append(
        stream,
        batch(
          1,
          n * 20,
          Array.from({ length: 20 }, (_, at) => `${n} ${at} word`),
        ),
      );
      const { stream: state } = await restate.state("Streams", stream);
      largest = Math.max(largest, JSON.stringify(state).length);
    }
    expect((await readAll(store, stream)).entries).toHaveLength(800);
    expect(largest).toBeLessThan(10_000);
    const stored = (): Promise<{ readonly n: number }[]> =>
      restate.query(
        `SELECT count(*) AS n FROM state WHERE service_name = 'Streams' AND service_key LIKE '${stream.replaceAll("'", "''")}%'`,
      );
    expect((await stored())[0]?.n).toBeGreaterThan(4);
    await store.remove(stream);
    await until(stored, (rows) => rows[0]?.n === 0);
  });

  test("an append leaves nothing behind but its entries", async () => {
    const [store, stream] = [storeOf("Streams"), newStream()];
    await store.append(stream, batch(1, 0, ["a"], { complete: true }));
    await store.append(stream, batch(2, 0, ["b"], { complete: true }));
    await store.end(stream, { writer: writer(), segments: 2, chunks: [{ type: "finish" }] });
    const rows = (): Promise<{ readonly target_handler_name: string; readonly status: string }[]> =>
      restate.query(
        `SELECT target_handler_name, status FROM sys_invocation WHERE target_service_name = 'Streams' AND target_service_key = '${stream}'`,
      );
    const left = await until(rows, (all) => all.every(({ status }) => status === "scheduled"));
    expect(left.map(({ target_handler_name }) => target_handler_name)).toEqual(["expire", "expire"]);
  });

  test("what is malformed is refused, and does not stop what comes after it", async () => {
    const [store, stream] = [storeOf("Streams"), newStream()];
    await expect(store.append(stream, batch(0, -1, ["a"]))).rejects.toMatchObject({
      errorCode: "invalid-input",
      code: 400,
    });
    expect(await store.append(stream, batch(1, 0, ["a"]))).toMatchObject({ result: "written" });
    await expect(storeOf("Nobody").append(stream, batch(1, 0, ["a"]))).rejects.toMatchObject({
      errorCode: "restate-refused",
    });
  });

  test("handlers that only the object itself calls cannot be called", async () => {
    for (const handler of ["keep", "drop", "expire"]) {
      expect((await restate.call(`Streams/x/${handler}`, {})).status).toBe(400);
    }
  });
});
