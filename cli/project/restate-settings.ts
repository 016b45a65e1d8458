/** Which Restate the tool talks to: flags go before the environment, and that before the project's own vars. */
import { AdminClient } from "../../src/admin/index.ts";
import { usageError } from "../tool/tool-error.ts";

/** Addresses and token of one Restate. */
export interface RestateSettings {
  readonly adminUrl: string | undefined;
  readonly ingressUrl: string | undefined;
  /** From the environment alone: a token in a flag would be in the shell's history. */
  readonly token: string | undefined;
}

/** What can be said on the command line. */
export interface RestateFlags {
  readonly adminUrl?: string | undefined;
  readonly ingressUrl?: string | undefined;
}

type Values = Readonly<Record<string, unknown>>;

export function restateSettings(flags: RestateFlags, environment: Values, vars: Values): RestateSettings {
  const find = (flag: string | undefined, name: string): string | undefined =>
    httpUrl(flag ?? text(environment[name]) ?? text(vars[name]), name);
  return {
    adminUrl: find(flags.adminUrl, "RESTATE_ADMIN_URL"),
    ingressUrl: find(flags.ingressUrl, "RESTATE_INGRESS_URL"),
    token: text(environment["RESTATE_AUTH_TOKEN"]),
  };
}

/**
 * A client of its Admin API.
 *
 * @throws ToolError `admin-url-missing` when no address is known.
 */
export function adminClientOf({ adminUrl, token }: RestateSettings, timeoutMs = 30_000): AdminClient {
  return new AdminClient({ url: requireUrl(adminUrl, "admin"), token, timeoutMs });
}

/** @throws ToolError `admin-url-missing`, `ingress-url-missing` */
export function requireUrl(url: string | undefined, door: "admin" | "ingress"): string {
  if (url !== undefined) return url;
  const name = door === "admin" ? "RESTATE_ADMIN_URL" : "RESTATE_INGRESS_URL";
  const port = door === "admin" ? 9070 : 8080;
  throw usageError(
    `${door}-url-missing`,
    `Cannot reach Restate: ${name} is not set`,
    `Set it in the environment, in [vars] of wrangler.toml, or with --${door}-url, such as https://….env.us.restate.cloud:${port}`,
  );
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

function httpUrl(value: string | undefined, name: string): string | undefined {
  if (value === undefined) return undefined;
  if (/^https?:\/\/\S+$/i.test(value) && URL.canParse(value)) return value.replace(/\/+$/, "");
  throw usageError("invalid-url", `Cannot use ${name}: it is not an http or https URL`);
}
