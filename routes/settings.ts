import type { Context } from "hono";
import { env } from "hono/adapter";
import { z } from "zod";
import { EndpointError } from "../src/endpoint/restate-endpoint.ts";
import type { RestateAddress } from "../src/http/restate-http.ts";
import { noteExchange } from "./operations/server-timing.ts";
import { HttpProblem } from "./problem.ts";

/** A setting that is empty counts as absent. */
const text = z
  .string()
  .transform((value) => (value.trim() === "" ? undefined : value.trim()))
  .optional();

const url = z
  .union([z.literal("").transform(() => undefined), z.url({ protocol: /^https?$/ }).refine(hasNoCredentials)])
  .optional();

/** Settings of the app: Worker vars and secrets, or the environment. */
export interface Settings {
  /** `development`; anything else, also nothing, is production. */
  readonly ENVIRONMENT?: string | undefined;
  /** Comma-separated public keys. */
  readonly RESTATE_IDENTITY_KEYS?: string | undefined;
  /** Restate's ingress, such as `https://….env.us.restate.cloud:8080`. */
  readonly RESTATE_INGRESS_URL?: string | undefined;
  /** Restate's Admin API, such as `https://….env.us.restate.cloud:9070`. */
  readonly RESTATE_ADMIN_URL?: string | undefined;
  /** Bearer token for both. Restate Cloud asks for one. */
  readonly RESTATE_AUTH_TOKEN?: string | undefined;
  /** Comma-separated tokens, or `sha256:` and the hash of one, of those who may use `/admin`. */
  readonly ADMIN_TOKEN?: string | undefined;
  /** Comma-separated keys, or `sha256:` and the hash of one, of those who may invoke agents. */
  readonly AGENT_API_KEYS?: string | undefined;
  /** Where traces go over OTLP/HTTP, such as `https://otlp.example.com`. */
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  /** Headers for it: `name=value`, comma-separated. */
  readonly OTEL_EXPORTER_OTLP_HEADERS?: string | undefined;
  /** Name of the app in traces. Default: the app's own. */
  readonly OTEL_SERVICE_NAME?: string | undefined;
  /** What else is said of the app in traces: `name=value`, comma-separated. */
  readonly OTEL_RESOURCE_ATTRIBUTES?: string | undefined;
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
  RESTATE_INGRESS_URL: url,
  RESTATE_ADMIN_URL: url,
  RESTATE_AUTH_TOKEN: text,
  ADMIN_TOKEN: text,
  AGENT_API_KEYS: text,
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_HEADERS: text,
  OTEL_SERVICE_NAME: text,
  OTEL_RESOURCE_ATTRIBUTES: text,
  CF_VERSION_METADATA: z.object({ id: z.string() }).optional(),
  DENO_DEPLOY_BUILD_ID: z.string().optional(),
  DENO_DEPLOYMENT_ID: z.string().optional(),
});

/** Several parts of a route ask; on Deno, reading the environment takes a copy of it. */
const settingsOfRequest = new WeakMap<Context, Settings>();

/**
 * Reads them from the request's platform.
 *
 * @throws EndpointError `invalid-settings` (503) naming those that are wrong, never their values.
 */
export function settingsOf(context: Context): Settings {
  const known = settingsOfRequest.get(context);
  if (known !== undefined) return known;
  const parsed = settingsSchema.safeParse(env(context));
  if (parsed.success) {
    settingsOfRequest.set(context, parsed.data);
    return parsed.data;
  }
  const names = parsed.error.issues.map((issue) => issue.path.join(".")).join(", ");
  throw new EndpointError("invalid-settings", `Cannot use the settings ${names}: see README.md, "Settings"`, 503);
}

/** The version that runs here: the Worker's, or Deno Deploy's revision. */
export function versionOf({ CF_VERSION_METADATA, DENO_DEPLOY_BUILD_ID, DENO_DEPLOYMENT_ID }: Settings): string | null {
  return CF_VERSION_METADATA?.id ?? DENO_DEPLOY_BUILD_ID ?? DENO_DEPLOYMENT_ID ?? null;
}

/**
 * Where Restate's ingress or Admin API is.
 *
 * @throws HttpProblem `restate-not-configured` (503) when the setting is absent.
 */
export function restateAddress(settings: Settings, door: "ingress" | "admin"): RestateAddress {
  const name = door === "ingress" ? "RESTATE_INGRESS_URL" : "RESTATE_ADMIN_URL";
  const url = settings[name];
  if (url !== undefined) return { url, token: settings.RESTATE_AUTH_TOKEN, onExchange: noteExchange };
  throw new HttpProblem("restate-not-configured", 503, `Cannot reach Restate's ${door}: set ${name}`);
}

/** `https://user:password@host` would appear in messages. */
function hasNoCredentials(value: string): boolean {
  const { username, password } = new URL(value);
  return username === "" && password === "";
}
