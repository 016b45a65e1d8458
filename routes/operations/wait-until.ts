import type { Context } from "hono";

/** Keeps work going when the request that began it has ended. Only Workers would end it. */
export function waitUntilOf(context: Context): (work: Promise<unknown>) => void {
  return (work) => {
    try {
      context.executionCtx.waitUntil(work.catch(() => undefined));
    } catch {
      // Deno and Node have no execution context.
    }
  };
}
