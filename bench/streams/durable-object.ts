import { env } from "cloudflare:workers";
import { type DurableObjectNamespaceLike, durableObjectStreamStore } from "../../src/stream/durable-object-store.ts";
import { app } from "./app.ts";

const { STREAMS } = env as unknown as { readonly STREAMS: DurableObjectNamespaceLike };

export default app(durableObjectStreamStore(STREAMS), false);
