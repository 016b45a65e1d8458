import type { Context } from "hono";
import { env } from "hono/adapter";
import { z } from "zod";
import { EndpointError } from "../src/endpoint/restate-endpoint.ts";

/** Settings of the app: Worker vars and secrets, or the environment. */
export interface Settings {
  /** `development`; anything else, also nothing, is production. */
  readonly ENVIRONMENT?: string | undefined;
  /** Comma-separated public keys. */
  readonly RESTATE_IDENTITY_KEYS?: string | undefined;
  /** Workers: the version metadata binding. */
  readonly CF_VERSION_METADATA?: { readonly id: string } | undefined;
  /** Deno Deploy: the revision. */
  readonly DENO_DEPLOY_BUILD_ID?: string | undefined;
  /** Deno Deploy: the older name of the revision. */
  readonly DENO_DEPLOYMENT_ID?: string | undefined;
}

const settingsSchema: z.ZodType<Settings> = z.object({
  ENVIRONMENT: z.string().optional(),
  RESTATE_IDENTITY_KEYS: z.string().optional(),
  CF_VERSION_METADATA: z.object({ id: z.string() }).optional(),
  DENO_DEPLOY_BUILD_ID: z.string().optional(),
  DENO_DEPLOYMENT_ID: z.string().optional(),
});

/** Reads them from the request's platform. */
export function settingsOf(context: Context): Settings {
  const parsed = settingsSchema.safeParse(env(context));
  if (parsed.success) return parsed.data;
  const names = parsed.error.issues.map((issue) => issue.path.join(".")).join(", ");
  throw new EndpointError("invalid-settings", `Cannot use the settings ${names}: see README.md, "Settings"`, 503);
}
