import { type Context, Hono } from "hono";
import { parseIdentityKeys } from "../src/endpoint/identity-keys.ts";
import { type AnyService, createRestateEndpoint, type RestateEndpoint } from "../src/endpoint/restate-endpoint.ts";
import type { SpanExporter } from "../src/telemetry/span.ts";
import { taggedWithVersion } from "./readiness/version-tag.ts";
import { type EncryptionOption, encryptionOf, encryptionSettingsKey } from "./encryption.ts";
import { HttpProblem } from "./problem.ts";
import { settingsOf, versionOf } from "./settings.ts";
import { telemetryOf, telemetrySettingsKey } from "./telemetry.ts";

/** How the Restate endpoint is mounted. */
export interface RestateRouteOptions {
  readonly services: readonly AnyService[];
  readonly bidirectional: boolean;
  readonly mount: string;
  /** Name of the app in traces. */
  readonly name: string;
  /** Where spans go instead of where the settings say. `false`: nowhere. */
  readonly telemetry?: SpanExporter | false | undefined;
  /** How Restate is told what it keeps, instead of how the settings say. `false`: as it is. */
  readonly encryption?: EncryptionOption;
}

/**
 * `/restate/*`: for Restate alone, and `/restate/v/<version>/*`, which only that version serves (G10). The endpoint is
 * built once for each set of settings, not for each request.
 */
export function restateRoute(options: RestateRouteOptions): Hono {
  const endpoints = new Map<string, RestateEndpoint>();
  const endpointFor = (context: Context): RestateEndpoint => {
    const settings = settingsOf(context);
    const { ENVIRONMENT, RESTATE_IDENTITY_KEYS = "" } = settings;
    const development = ENVIRONMENT === "development";
    const version = versionOf(settings);
    const key = [
      development,
      version,
      RESTATE_IDENTITY_KEYS,
      telemetrySettingsKey(settings),
      encryptionSettingsKey(settings),
    ].join("\n");
    const known = endpoints.get(key);
    if (known !== undefined) return known;
    const identityKeys = parseIdentityKeys(RESTATE_IDENTITY_KEYS);
    const services = taggedWithVersion(options.services, version);
    const telemetry = telemetryOf(settings, options);
    const encryption = encryptionOf(settings, options.encryption);
    const made = { services, version, identityKeys, development, telemetry, encryption };
    const endpoint = createRestateEndpoint({ ...options, ...made });
    endpoints.set(key, endpoint);
    return endpoint;
  };
  return new Hono().all(`${options.mount}/*`, (context) => {
    refusePages(context);
    return endpointFor(context)(context.req.raw, ...platformOf(context));
  });
}

/**
 * Without identity keys, which is in development alone, a page whose name was pointed at this machine could run handlers.
 * Browsers send `origin` with each POST, also to the page's own host; Restate never does.
 *
 * @throws HttpProblem `forbidden` (403)
 */
function refusePages(context: Context): void {
  const { ENVIRONMENT, RESTATE_IDENTITY_KEYS = "" } = settingsOf(context);
  if (ENVIRONMENT !== "development" || RESTATE_IDENTITY_KEYS.trim() !== "") return;
  const { req } = context;
  if (req.header("origin") === undefined && req.header("sec-fetch-site") === undefined) return;
  throw new HttpProblem("forbidden", 403, "This is for Restate, not for pages in browsers");
}

/** What the platform gave besides the request; handlers find it in `ctx.request().extraArgs`. */
function platformOf(context: Context): readonly unknown[] {
  try {
    return [context.env, context.executionCtx];
  } catch {
    return [context.env]; // Only Workers have an execution context.
  }
}
