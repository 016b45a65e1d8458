import type { AnyService } from "../../src/endpoint/restate-endpoint.ts";

/** What a service is to those who call it. */
export interface ServiceShape {
  readonly name: string;
  /** As Restate's Admin API names it. */
  readonly kind: "Service" | "VirtualObject" | "Workflow";
  readonly handlers: ReadonlySet<string>;
}

/** The SDK keeps a definition's handlers under a name that tells its kind. */
interface Definition {
  readonly name: string;
  readonly service?: object;
  readonly object?: object;
  readonly workflow?: object;
}

/** Reads a definition that `service()`, `object()` or `workflow()` made. */
export function shapeOf(service: AnyService): ServiceShape {
  const { name, service: plain, object, workflow }: Definition = service;
  const kind = workflow === undefined ? (object === undefined ? "Service" : "VirtualObject") : "Workflow";
  return { name, kind, handlers: new Set(Object.keys(plain ?? object ?? workflow ?? {})) };
}

/** Shapes by name. */
export function shapesOf(services: readonly AnyService[]): ReadonlyMap<string, ServiceShape> {
  return new Map(services.map(shapeOf).map((shape) => [shape.name, shape]));
}
