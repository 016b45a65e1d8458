import { type Context, Hono } from "hono";
import { getRuntimeKey } from "hono/adapter";
import { problem } from "./problem.ts";
import { settingsOf, versionOf } from "./settings.ts";

/** What `GET /health` tells besides the platform. */
export interface HealthInfo {
  readonly name: string;
  /** More facts, such as which model is used; read at each request. */
  readonly info: () => Readonly<Record<string, unknown>>;
}

/** `GET /health`: liveness. It touches nothing but this isolate. */
export function healthRoute({ name, info }: HealthInfo): Hono {
  const answer = (context: Context): Response => {
    const body = { status: "ok", name, version: versionOf(settingsOf(context)), runtime: getRuntimeKey(), ...info() };
    return context.json(body, 200, { "cache-control": "no-store" });
  };
  return new Hono()
    .get("/health", answer)
    .all("/health", ({ req }) =>
      problem("method-not-allowed", 405, `Cannot ${req.method} /health: use GET`, { headers: { allow: "GET, HEAD" } }),
    );
}
