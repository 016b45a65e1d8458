import { serveWorker } from "../../src/testing/serve.ts";
import { inBench } from "../paths.ts";
import { promptOf } from "../prompt.ts";
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
