import { env } from "cloudflare:workers";
import { type DurableObjectNamespaceLike, durableObjectStreamStore } from "../../src/stream/durable-object-store.ts";
import { app } from "./app.ts";

const { STREAMS } = env as unknown as { readonly STREAMS: DurableObjectNamespaceLike };

/** Requests to the objects, by what they are about. */
const counts: Record<string, number> = {};
const counted: DurableObjectNamespaceLike = {
  idFromName: (name) => STREAMS.idFromName(name),
  get: (id) => {
    const object = STREAMS.get(id);
    return {
      fetch: (url, init) => {
        const { pathname } = new URL(url);
        counts[pathname] = (counts[pathname] ?? 0) + 1;
        return object.fetch(url, init);
      },
    };
  },
};

export default app(durableObjectStreamStore(counted), false, counts);
