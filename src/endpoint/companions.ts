/** Services that come along with others: an agent session brings the objects that it needs. */
import { COMPANIONS } from "../journal/companions.ts";
import type { AnyService } from "./restate-endpoint.ts";

/** The services and, after them, what they bring along; each once. */
export function withCompanions(services: readonly AnyService[]): readonly AnyService[] {
  const all = new Map<string, AnyService>(services.map((service) => [service.name, service]));
  for (const service of all.values()) {
    const { [COMPANIONS]: companions = [] } = service as { readonly [COMPANIONS]?: readonly AnyService[] };
    for (const companion of companions) if (!all.has(companion.name)) all.set(companion.name, companion);
  }
  return [...all.values()];
}
