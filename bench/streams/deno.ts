import { memoryStreamStore } from "../../src/stream/memory-stream-store.ts";
import { restateStreamStore } from "../../src/stream/restate-stream-store.ts";
import { app } from "./app.ts";

const { BENCH_STORE, BENCH_PREFIX = "" } = process.env;

export default app(BENCH_STORE === "memory" ? memoryStreamStore() : restateStreamStore(`${BENCH_PREFIX}Streams`), true);
