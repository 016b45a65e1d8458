/** Deployments as Restate tells them, for tests of what is decided about them. */
import type { VersionFacts } from "../../../cli/deployments/metadata.ts";
import type { RegisteredVersion } from "../../../cli/deployments/registered.ts";

/** What differs from an ordinary version. */
export interface VersionSketch extends Partial<Omit<VersionFacts, "app">> {
  readonly app?: string;
  readonly id?: string;
  readonly uri?: string;
  readonly latestOf?: readonly string[];
  readonly pinned?: number;
  /** Milliseconds since 1970. */
  readonly registeredAt?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A version of `agents` with the service `Clerk`. */
export function registered(version: string, sketch: VersionSketch = {}): RegisteredVersion {
  const { id = `dp_${version}`, latestOf = [], pinned = 0, registeredAt = 0, metadata, ...facts } = sketch;
  const { uri = `https://${version.slice(0, 8)}-agents.acme.workers.dev/restate/v/${version}`, ...rest } = facts;
  return {
    deployment: {
      id,
      uri,
      metadata,
      httpVersion: "HTTP/2.0",
      createdAt: new Date(registeredAt).toISOString(),
      minProtocolVersion: 5,
      maxProtocolVersion: 6,
      services: [{ name: "Clerk", revision: 1 }],
    },
    facts: { app: "agents", platform: "version-url", worker: "agents", fingerprint: "f", version, ...rest },
    services: ["Clerk"],
    latestOf,
    pinned,
  };
}
