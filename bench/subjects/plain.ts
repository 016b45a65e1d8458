import { serveWorker } from "../../src/testing/serve.ts";
import { inBench } from "../paths.ts";
import { promptOf, STREAMED } from "../prompt.ts";
import type { Subject } from "../subject.ts";
import { startCountingProxy } from "../usage/counting-proxy.ts";
import { processUsage } from "../usage/process-usage.ts";

/** The AI SDK's loop in workerd, without durability: the limit for everybody else. */
export const plain: Subject = {
  name: "plain",
  label: "plain loop, no durability",
  start: async ({ modelUrl }) => {
    const endpoint = await serveWorker({ entry: inBench("plain/worker.ts"), vars: { BENCH_MODEL_URL: modelUrl } });
    const proxy = await startCountingProxy(endpoint.url, "http1");
    return {
      run: async (_id, shape) => {
        const response = await fetch(proxy.url, { method: "POST", body: promptOf(shape) });
        const text = await response.text();
        if (!response.ok) throw new Error(`The plain loop answered ${response.status}: ${text}`);
        return text;
      },
      firstPartMs: async () => {
        const begin = performance.now();
        const response = await fetch(`${proxy.url}/stream`, { method: "POST", body: STREAMED });
        let first: number | undefined;
        for await (const chunk of response.body ?? []) if (chunk.length > 0) first ??= performance.now();
        if (!response.ok || first === undefined) throw new Error(`The plain loop streamed nothing: ${response.status}`);
        return first - begin;
      },
      usage: async () => ({
        ...proxy.counts(),
        ...(endpoint.pid === undefined ? undefined : await processUsage(endpoint.pid)),
      }),
      stop: async () => {
        await proxy.close();
        await endpoint.stop();
      },
    };
  },
};
