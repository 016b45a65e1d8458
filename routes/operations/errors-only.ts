import type { MiddlewareHandler } from "hono";

/** JavaScript can throw anything, but Hono's error handler is only called with errors. */
export const errorsOnly: MiddlewareHandler = async (_context, next) => {
  try {
    await next();
  } catch (thrown) {
    throw thrown instanceof Error ? thrown : new Error("Something that is no error was thrown", { cause: thrown });
  }
};
