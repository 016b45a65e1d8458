import { restateStreamStore } from "../../src/stream/restate-stream-store.ts";
import { app } from "./app.ts";

export default app(restateStreamStore(`${process.env["BENCH_PREFIX"] ?? ""}Streams`), false);
