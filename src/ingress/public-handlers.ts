/** Which handlers of an app may be invoked from outside. */
import { z } from "zod";
import type { AnyService } from "../endpoint/restate-endpoint.ts";
import { createEndpointHandler } from "../restate.ts";

/** A handler that the ingress may invoke. */
export interface PublicHandler {
  readonly service: string;
  readonly handler: string;
  readonly kind: "service" | "object" | "workflow";
  /** True for a workflow's `run`, whose key is what makes it idempotent. */
  readonly isWorkflowRun: boolean;
}

/** Finds a handler by the names of its service and its own; undefined when it is not there, or private. */
export type FindPublicHandler = (service: string, handler: string) => PublicHandler | undefined;

const KINDS = { SERVICE: "service", VIRTUAL_OBJECT: "object", WORKFLOW: "workflow" } as const;

const manifestSchema = z.object({
  services: z.array(
    z.object({
      name: z.string(),
      ty: z.enum(["SERVICE", "VIRTUAL_OBJECT", "WORKFLOW"]),
      ingressPrivate: z.boolean().optional(),
      handlers: z.array(
        z.object({ name: z.string(), ty: z.string().optional(), ingressPrivate: z.boolean().optional() }),
      ),
    }),
  ),
});

/**
 * Reads the services as Restate does when it discovers them: the SDK tells what is `ingressPrivate` in its manifest, and
 * nowhere else in public.
 */
export async function publicHandlersOf(services: readonly AnyService[]): Promise<FindPublicHandler> {
  // It only describes here: nothing is served, so the SDK's warning about missing identity keys would mislead.
  const describe = createEndpointHandler({ services: [...services], bidirectional: false, logger: () => undefined });
  const answer = await describe(
    new Request("http://endpoint/discover", {
      headers: { accept: "application/vnd.restate.endpointmanifest.v4+json" },
    }),
  );
  const manifest = manifestSchema.parse(await answer.json());
  const handlers = new Map<string, PublicHandler>();
  for (const service of manifest.services) {
    if (service.ingressPrivate === true) continue;
    for (const { name, ty, ingressPrivate } of service.handlers) {
      if (ingressPrivate === true) continue;
      const kind = KINDS[service.ty];
      const isWorkflowRun = kind === "workflow" && ty === "WORKFLOW";
      handlers.set(`${service.name}/${name}`, { service: service.name, handler: name, kind, isWorkflowRun });
    }
  }
  return (service, handler) => handlers.get(`${service}/${handler}`);
}
