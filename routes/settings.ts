import type { Context } from "hono";
import { env } from "hono/adapter";
import { z } from "zod";
import { EndpointError } from "../src/endpoint/restate-endpoint.ts";

const settingsSchema = z.object({
  /** `development`; anything else, also nothing, is production. */
  ENVIRONMENT: z.string().optional(),
  RESTATE_IDENTITY_KEYS: z.string().optional(),
  /** Workers: the version metadata binding. */
  CF_VERSION_METADATA: z.object({ id: z.string(), tag: z.string().optional() }).optional(),
  /** Deno Deploy. */
  DENO_DEPLOYMENT_ID: z.string().optional(),
});

/** Settings of the app: Worker vars and secrets, or the environment. */
export type Settings = z.infer<typeof settingsSchema>;

/** Reads them from the request's platform. */
export function settingsOf(context: Context): Settings {
  const parsed = settingsSchema.safeParse(env(context));
  if (parsed.success) return parsed.data;
  const names = parsed.error.issues.map((issue) => issue.path.join(".")).join(", ");
  throw new EndpointError("invalid-settings", `Cannot use the settings ${names}: see README.md, "Settings"`, 503);
}
