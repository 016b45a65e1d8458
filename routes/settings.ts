import type { Context } from "hono";
import { env } from "hono/adapter";
import { z } from "zod";
import { EndpointError } from "../src/endpoint/endpoint-error.ts";
import { isVersion, VERSION_RULE } from "../src/endpoint/version.ts";
import type { RestateAddress } from "../src/http/restate-http.ts";
import { noteExchange } from "./operations/server-timing.ts";
import { HttpProblem } from "./problem.ts";

/** Without the white space around it. A setting that is empty counts as absent. */
const text = z
  .string()
  .transform((value) => (value.trim() === "" ? undefined : value.trim()))
  .optional();

const url = text.refine((value) => value === undefined || isHttpUrl(value));

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
  /** `on`: the playground is served in production, too. `off`: not even in development. */
  readonly PLAYGROUND?: string | undefined;
  /** Development: the key that the stack made for the playground's page. */
  readonly PLAYGROUND_KEY?: string | undefined;
  /** Development: where the stack listens, which kills the app for the playground. */
  readonly PLAYGROUND_CONTROL_URL?: string | undefined;
  /** Comma-separated secrets, of at least 32 characters, that sign links to approvals. The first signs. */
  readonly APPROVAL_LINK_SECRET?: string | undefined;
  /** Where traces go over OTLP/HTTP, such as `https://otlp.example.com`. */
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  /** Headers for it: `name=value`, comma-separated. */
  readonly OTEL_EXPORTER_OTLP_HEADERS?: string | undefined;
  /** Name of the app in traces. Default: the app's own. */
  readonly OTEL_SERVICE_NAME?: string | undefined;
  /** What else is said of the app in traces: `name=value`, comma-separated. */
  readonly OTEL_RESOURCE_ATTRIBUTES?: string | undefined;
  /** `id:secret`, comma-separated: keys that encrypt what Restate is told. The first encrypts, all decrypt. */
  readonly JOURNAL_KEYS?: string | undefined;
  /** What is done with values that are not encrypted: `refuse` (default), `inputs`, `accept` or `write`. */
  readonly JOURNAL_PLAINTEXT?: "refuse" | "inputs" | "accept" | "write" | undefined;
  /** The version of this code, where the platform does not tell it, or in its place. */
  readonly APP_VERSION?: string | undefined;
  /** Workers: the version metadata binding. */
  readonly CF_VERSION_METADATA?: { readonly id: string } | undefined;
  /** Deno Deploy: the revision. */
  readonly DENO_DEPLOY_BUILD_ID?: string | undefined;
  /** Deno Deploy: the older name of the revision. */
  readonly DENO_DEPLOYMENT_ID?: string | undefined;
}

const schemas: { readonly [NAME in keyof Settings]-?: z.ZodType<Settings[NAME]> } = {
  ENVIRONMENT: z.string().optional(),
  RESTATE_IDENTITY_KEYS: z.string().optional(),
  RESTATE_INGRESS_URL: url,
  RESTATE_ADMIN_URL: url,
  RESTATE_AUTH_TOKEN: text,
  ADMIN_TOKEN: text,
  AGENT_API_KEYS: text,
  APPROVAL_LINK_SECRET: text,
  PLAYGROUND: text,
  PLAYGROUND_KEY: text,
  PLAYGROUND_CONTROL_URL: url,
  JOURNAL_KEYS: text,
  JOURNAL_PLAINTEXT: text.pipe(z.enum(["refuse", "inputs", "accept", "write"]).optional()),
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_HEADERS: text,
  OTEL_SERVICE_NAME: text,
  OTEL_RESOURCE_ATTRIBUTES: text,
  APP_VERSION: text.refine((value) => value === undefined || isVersion(value), VERSION_RULE),
  // The platform's own: an app that cannot tell its version works as well.
  CF_VERSION_METADATA: z.object({ id: z.string() }).optional().catch(undefined),
  DENO_DEPLOY_BUILD_ID: text.catch(undefined),
  DENO_DEPLOYMENT_ID: text.catch(undefined),
};

/** Names of all settings. */
export const SETTING_NAMES: readonly (keyof Settings)[] = Object.keys(schemas) as (keyof Settings)[];

/** Several parts of a route ask; on Deno, reading the environment takes a copy of it. */
const settingsOfRequest = new WeakMap<Context, Settings>();

/**
 * Reads them from the request's platform. Each is validated where it is used, so that one that is wrong stops only what
 * needs it: reading such a member throws EndpointError `invalid-settings` (503), which names it and never its value.
 */
export function settingsOf(context: Context): Settings {
  const known = settingsOfRequest.get(context);
  if (known !== undefined) return known;
  const values = env<Readonly<Record<string, unknown>>>(context);
  const settings: Settings = {};
  for (const name of SETTING_NAMES) {
    Object.defineProperty(settings, name, { enumerable: true, get: () => validated(name, values[name]) });
  }
  settingsOfRequest.set(context, settings);
  return settings;
}

function validated(name: keyof Settings, value: unknown): Settings[keyof Settings] {
  const parsed = schemas[name].safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidSetting(name, name === "APP_VERSION" ? VERSION_RULE : 'see README.md, "Settings"');
}

/** @param rule What it should be; not what it is. */
export function invalidSetting(name: string, rule: string): EndpointError {
  return new EndpointError("invalid-settings", `Cannot use the setting ${name}: ${rule}`, 503);
}

/** True for what `invalidSetting()` made. Its message is for anyone. */
export function isInvalidSetting(error: unknown): error is EndpointError {
  return error instanceof EndpointError && error.errorCode === "invalid-settings";
}

/** Differs whenever one of these settings does; any malformed value is the same. */
export function settingsKey(settings: Settings, names: readonly (keyof Settings)[]): string {
  return JSON.stringify(
    names.map((name) => {
      try {
        return settings[name];
      } catch {
        return false;
      }
    }),
  );
}

/**
 * The version that runs here: the one that is set, the Worker's, or Deno Deploy's revision.
 *
 * @throws EndpointError `invalid-settings` (503) when APP_VERSION is malformed.
 */
export function versionOf(settings: Settings): string | null {
  const { APP_VERSION, CF_VERSION_METADATA, DENO_DEPLOY_BUILD_ID, DENO_DEPLOYMENT_ID } = settings;
  return APP_VERSION ?? CF_VERSION_METADATA?.id ?? DENO_DEPLOY_BUILD_ID ?? DENO_DEPLOYMENT_ID ?? null;
}

/** As `versionOf`, for what works without: a malformed setting is no version. */
export function shownVersionOf(settings: Settings): string | null {
  try {
    return versionOf(settings);
  } catch {
    return null;
  }
}

/**
 * Where Restate's ingress or Admin API is.
 *
 * @throws HttpProblem `restate-not-configured` (503) when the setting is absent.
 * @throws EndpointError `invalid-settings` (503) when it is malformed.
 */
export function restateAddress(settings: Settings, door: "ingress" | "admin"): RestateAddress {
  const name = door === "ingress" ? "RESTATE_INGRESS_URL" : "RESTATE_ADMIN_URL";
  const url = settings[name];
  if (url !== undefined) return { url, token: settings.RESTATE_AUTH_TOKEN, onExchange: noteExchange };
  throw new HttpProblem("restate-not-configured", 503, `Cannot reach Restate's ${door}: set ${name}`);
}

/** Without credentials: `https://user:password@host` would appear in messages. */
function isHttpUrl(value: string): boolean {
  if (!/^https?:\/\/\S+$/i.test(value) || !URL.canParse(value)) return false;
  const { username, password } = new URL(value);
  return username === "" && password === "";
}
