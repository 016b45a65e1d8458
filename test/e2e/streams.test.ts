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
    restate = await startRestate();
    const vars = { ENVIRONMENT: "development", RESTATE_INGRESS_URL: restate.ingressUrl };
    endpoint = await (runtime === "workerd"
      ? serveWorker({ entry: entry("worker"), vars })
      : serveDeno({ entry: entry("deno"), vars }));
    await restate.register(`${endpoint.url}/restate`, { http11: endpoint.http11 });
  }, 120_000);
  afterAll(() => Promise.all([restate?.stop(), endpoint?.stop()]));

  describeStreamStore("Restate object", async () => ({
    store: storeOf("Streams"),
    restart: async () => void (await Promise.all([restate.restart(), endpoint.restart()])),
    close: async () => {},
  }));
  describeLimits("Restate object", async () => ({ store: storeOf("BriefStreams"), ...LIMITS }));

  /** Reads a stream from the app, as a browser does; leaves after `leaveAfter` events. */
  async function readSse(stream: string, leaveAfter = Number.POSITIVE_INFINITY): Promise<readonly string[]> {
    const left = new AbortController();
    const url = `${endpoint.url}/read?stream=${encodeURIComponent(stream)}`;
    const response = await fetch(url, { signal: left.signal });
    const ids: string[] = [];
    let text = "";
    for await (const bytes of response.body ?? []) {
      text += new TextDecoder().decode(bytes);
      ids.splice(0, ids.length, ...[...text.matchAll(/^id: (\d+)$/gm)].map(([, id = ""]) => id));
      if (ids.length >= leaveAfter) {
        left.abort();
        return ids;
      }
    }
    return text.endsWith("data: [DONE]\n\n") ? ids : [...ids, "cut off"];
  }

  test.each([1, 10, 100])(
    "%i readers of one app get all of a stream, and ask for it as often as one",
    async (count) => {
      const [store, stream] = [storeOf("Streams"), newStream()];
      const readers = Array.from({ length: count }, () => readSse(stream));
      // Those that go away, in the midst of a question too, hold nobody up.
      const leavers = Array.from({ length: Math.floor(count / 3) }, (_, n) => readSse(stream, 3 + n).catch(() => []));
      const before = await readsSoFar();
      const startedAt = performance.now();
      for (let at = 0; at < 40; at++) {
        await store.append(stream, batch(1, at, [`${at}`], { complete: at === 39 }));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await store.end(stream, { writer: writer(), segments: 1, chunks: [{ type: "finish" }] });
      const all = Array.from({ length: 41 }, (_, at) => String(at + 1));
      for (const ids of await Promise.all(readers)) expect(ids).toEqual(all);
      await Promise.all(leavers);
      // One reader asks at most every 50 ms while parts come; on a busy machine they come for longer.
      const askedByOne = (performance.now() - startedAt) / 50;
      expect((await readsSoFar()) - before).toBeLessThan(80 + askedByOne);
    },
  );

  /** Requests for `read` that came to the app. */
  async function readsSoFar(): Promise<number> {
    return Number(await (await fetch(`${endpoint.url}/reads`)).text());
  }

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
    const left = await until(rows, (all) => all.length > 1 && all.every(({ status }) => status === "scheduled"));
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
