/** The contract of stream stores, over the one in memory. */
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import { describeLimits, describeStreamStore } from "./contract.ts";

describeStreamStore("memory", async () => ({ store: memoryStreamStore(), close: async () => {} }));

describeLimits("memory", async () => {
  const limits = { retentionMs: 300, idleMs: 400, maxBytes: 100_000 };
  return { store: memoryStreamStore(limits), ...limits };
});
