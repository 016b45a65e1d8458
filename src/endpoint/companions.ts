/** Services that come along with others: an agent session brings the objects that it needs. */
import type { AnyService } from "./restate-endpoint.ts";

/** On a definition: the services that it needs beside it. They are private. */
export const COMPANIONS: unique symbol = Symbol.for("restate-edge-agents.companions");

/** The services and, after them, what they bring along; each once. */
export function withCompanions(services: readonly AnyService[]): readonly AnyService[] {
  const all = new Map<string, AnyService>(services.map((service) => [service.name, service]));
  for (const service of all.values()) {
    const { [COMPANIONS]: companions = [] } = service as { readonly [COMPANIONS]?: readonly AnyService[] };
    for (const companion of companions) if (!all.has(companion.name)) all.set(companion.name, companion);
  }
  return [...all.values()];
}
