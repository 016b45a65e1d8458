/** Which URLs are of an app, and which of them always lead to the same version. */
import { VERSION_HOST } from "../../deployments/main-url.ts";
import type { VersionFacts } from "../../deployments/metadata.ts";

/** What tells an app's URLs. */
export interface AppUrls {
  readonly name: string | undefined;
  readonly url: string | undefined;
  readonly domains: readonly string[];
}

/** True for a deployment of the app. What cannot be told apart counts as the app's. */
export function isOfApp(app: AppUrls, uri: string | undefined, facts: VersionFacts | undefined): boolean {
  if (facts !== undefined && app.name !== undefined) return facts.app === app.name;
  const url = parse(uri);
  if (app.name === undefined && app.url === undefined) return true;
  if (url === undefined) return false;
  if (app.url !== undefined && parse(app.url)?.host === url.host) return true;
  if (app.domains.includes(url.hostname)) return true;
  const { name = "" } = app;
  return name !== "" && url.hostname.replace(VERSION_HOST, "$2").startsWith(`${name}.`);
}

/** The version that a URI is pinned to by its path, `/v/<version>`. */
export function versionInPath(uri: string): string | undefined {
  return /\/v\/([^/]+)\/?$/.exec(parse(uri)?.pathname ?? "")?.[1];
}

/** The path of the Restate endpoint in a URI of it, without its version. */
export function mountIn(uri: string): string {
  return (parse(uri)?.pathname ?? "").replace(/\/v\/[^/]+\/?$/, "").replace(/\/+$/, "");
}

/** True when other code could answer there tomorrow. */
export function isMutable(uri: string, facts: VersionFacts | undefined): boolean {
  const url = parse(uri);
  if (url === undefined || versionInPath(uri) !== undefined) return false;
  return facts?.platform !== "worker-per-version" && !isVersionHost(url, facts?.version);
}

function isVersionHost(url: URL, version: string | undefined): boolean {
  const prefix = VERSION_HOST.exec(url.hostname)?.[1];
  return prefix !== undefined && (version === undefined || version.startsWith(prefix));
}

function parse(text: string | undefined): URL | undefined {
  return text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
}
