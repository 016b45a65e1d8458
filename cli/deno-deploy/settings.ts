/**
 * Settings of the app that a version gets of its own: those of the app it is a version of. The API tells no secret's value, so
 * secrets come from a layer, which both apps refer to, or from `--secrets-file`.
 */
import { usageError } from "../tool/tool-error.ts";
import type { App, EnvVar } from "./api-shapes.ts";

/** Set by the tool's own module. */
const OWN = "APP_VERSION";
const PRODUCTION = "production";

/** Variables and layers of a version. */
export interface VersionSettings {
  readonly variables: readonly EnvVar[];
  /** Those of the secrets file. */
  readonly secrets: readonly EnvVar[];
  readonly layers: readonly string[];
}

/** @throws ToolError `deno-secrets-missing` when the app has secrets of its own that the file has not. */
export function settingsOf(app: App, inFile: Readonly<Record<string, string>>): VersionSettings {
  const own = app.env_vars ?? [];
  const variables = own.flatMap(({ key, value, secret = false, contexts = "all" }): EnvVar[] => {
    const isCopied = !secret && typeof value === "string" && key !== OWN && inFile[key] === undefined;
    return isCopied ? [{ key, value, secret, contexts }] : [];
  });
  const missing = own.filter(
    ({ key, value, secret = false, contexts = "all" }) =>
      (secret || typeof value !== "string") && isForProduction(contexts) && inFile[key] === undefined,
  );
  if (missing.length > 0) {
    const names = missing.map(({ key }) => key).join(", ");
    throw usageError(
      "deno-secrets-missing",
      `Cannot give a version the secrets of ${app.slug}: Deno Deploy tells nobody the values of ${names}`,
      "Move them to a layer that the app refers to; or pass them with --secrets-file",
    );
  }
  const secrets = Object.entries(inFile).map(([key, value]) => ({ key, value, secret: true, contexts: [PRODUCTION] }));
  const layers = (app.layers ?? []).map(({ id }) => id);
  return { variables, secrets, layers };
}

function isForProduction(contexts: "all" | readonly string[]): boolean {
  return contexts === "all" || contexts.includes(PRODUCTION);
}
