/** Which exporter the running request has. Only the endpoint knows: settings come with requests. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { SpanExporter } from "./span.ts";

const storage = new AsyncLocalStorage<SpanExporter>();

/** Runs `action`, which serves one request: handlers in it make spans for `exporter`. */
export function withSpanExporter<T>(exporter: SpanExporter, action: () => T): T {
  return storage.run(exporter, action);
}

/** The exporter of the running request; undefined: no spans are made. */
export function currentSpanExporter(): SpanExporter | undefined {
  return storage.getStore();
}
