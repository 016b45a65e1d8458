import type { MiddlewareHandler } from "hono";

/** On Workers `app.request(path)` brings no bindings. Then nothing is set, as with an app that has none. */
export const withBindings: MiddlewareHandler = async (context, next) => {
  context.env ??= {};
  await next();
};
