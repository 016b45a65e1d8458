/**
 * The version that a service was discovered at. Restate asks the endpoint what it serves when a deployment is registered,
 * and keeps the answer; the endpoint tells its version with it. So Restate's list of services says for sure which version
 * is registered, whatever URL leads there, and also when a new version has taken the URL of a registered one.
 */
import type { AnyService } from "../../src/endpoint/restate-endpoint.ts";

/** Key in the metadata of services. */
const VERSION_KEY = "restate-edge-agents/version";

/** The services, each with the version in its metadata. */
export function taggedWithVersion(services: readonly AnyService[], version: string | null): readonly AnyService[] {
  if (version === null) return services;
  return services.map((service) => {
    const { metadata }: { readonly metadata?: Readonly<Record<string, string>> } & AnyService = service;
    return { ...service, metadata: { ...metadata, [VERSION_KEY]: version } };
  });
}

/** The version in a service's metadata. */
export function versionTagOf(metadata: Readonly<Record<string, string>> | undefined): string | undefined {
  return metadata?.[VERSION_KEY];
}
