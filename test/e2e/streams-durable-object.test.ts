/** Streams in Durable Objects: the app's Worker and the Worker that keeps streams, in workerd. */
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { AppendAnswer, StreamPage, StreamStore } from "../../src/stream/stream-store.ts";
import type { ServedEndpoint } from "../../src/testing/served-endpoint.ts";
import { bundleWorker } from "../../src/testing/worker-bundle.ts";
import { serveKeepers } from "../fixtures/streams/serve-keepers.ts";
import { describeLimits, describeStreamStore } from "../unit/stream-stores/contract.ts";

const app = new URL("../fixtures/streams/durable-object-app.ts", import.meta.url).pathname;
const LIMITS = { retentionMs: 1_200, idleMs: 1_200, maxBytes: 100_000 } as const;

const served: ServedEndpoint[] = [];
afterAll(() => Promise.all(served.map((endpoint) => endpoint.stop())));

async function serve(vars: Readonly<Record<string, string>> = {}): Promise<ServedEndpoint> {
  const endpoint = await serveKeepers({ app, vars });
  served.push(endpoint);
  return endpoint;
}

test("the Worker that keeps streams is small: no SDK is in it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "keeper-size-"));
  try {
    const out = await bundleWorker(folder, {
      entry: new URL("../../stream-worker/worker.ts", import.meta.url).pathname,
      vars: {},
      compatibilityDate: "2026-10-01",
      compatibilityFlags: ["nodejs_compat"],
      trustedCertificates: [],
    });
    const files = (await readdir(out)).filter((file) => !file.endsWith(".map") && file !== "README.md");
    expect(files).toEqual(["worker.js"]);
    expect((await stat(join(out, "worker.js"))).size).toBeLessThan(40_000);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** The store of the app's Worker, called over HTTP. */
function remoteStore(url: string): StreamStore {
  const call = async (...call: readonly unknown[]): Promise<unknown> => {
    const response = await fetch(url, { method: "POST", body: JSON.stringify(call) });
    const { answer, error } = (await response.json()) as { readonly answer: unknown; readonly error?: object };
    if (error !== undefined) throw Object.assign(new Error("The store rejected"), error);
    return answer;
  };
  return {
    append: (stream, batch) => call("append", stream, batch) as Promise<AppendAnswer>,
    end: (stream, end) => call("end", stream, end) as Promise<AppendAnswer>,
    read: (stream, { after, waitMs }) => call("read", stream, { after, waitMs }) as Promise<StreamPage>,
    stop: (stream) => call("stop", stream) as Promise<void>,
    remove: (stream) => call("remove", stream) as Promise<void>,
  };
}

describeStreamStore("Durable Object", async () => {
  const endpoint = await serve();
  return { store: remoteStore(endpoint.url), restart: () => endpoint.restart(), close: async () => {} };
});

describeLimits("Durable Object", async () => {
  const vars = {
    STREAM_RETENTION_MS: String(LIMITS.retentionMs),
    STREAM_IDLE_MS: String(LIMITS.idleMs),
    STREAM_MAX_BYTES: String(LIMITS.maxBytes),
  };
  return { store: remoteStore((await serve(vars)).url), ...LIMITS };
});
