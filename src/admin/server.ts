/** What Restate says of itself. */
import { z } from "zod";
import type { Command, Operation } from "./operation.ts";

/** A server's version. */
export interface ServerVersion {
  /** Such as `1.7.12`. */
  readonly version: string;
  readonly minAdminApiVersion: number;
  readonly maxAdminApiVersion: number;
  /** Where its ingress is, as it announces it. */
  readonly ingressEndpoint?: string | undefined;
  /** Experimental features and whether they are on, such as `vqueues`. Servers before 1.7 name none. */
  readonly features: Readonly<Record<string, boolean>>;
}

/** Reads `ServerVersion`. */
export const serverVersionSchema: z.ZodType<ServerVersion> = z.object({
  version: z.string(),
  minAdminApiVersion: z.int(),
  maxAdminApiVersion: z.int(),
  ingressEndpoint: z.string().optional(),
  features: z.record(z.string(), z.boolean()).default({}),
});

/** A cluster's health. */
export interface ClusterHealth {
  readonly clusterName: string;
  /** Nodes that hold its metadata, when it holds them itself. */
  readonly metadataClusterHealth?: { readonly members: readonly number[] } | undefined;
}

const clusterHealthSchema: z.ZodType<ClusterHealth> = z.object({
  clusterName: z.string(),
  metadataClusterHealth: z.object({ members: z.int().array() }).optional(),
});

/** What the client itself calls. */
export const SERVER_OPERATIONS: {
  readonly version: Operation<ServerVersion>;
  readonly health: Command;
  readonly clusterHealth: Operation<ClusterHealth>;
} = {
  version: { method: "GET", path: "/version", answer: serverVersionSchema },
  health: { method: "GET", path: "/health" },
  clusterHealth: { method: "GET", path: "/cluster-health", answer: clusterHealthSchema },
};
