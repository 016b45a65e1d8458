import { type FindPublicHandler, type PublicHandler, publicHandlersOf } from "../../src/ingress/public-handlers.ts";
import type { AnyService } from "../../src/endpoint/restate-endpoint.ts";
import { HttpProblem } from "../problem.ts";

/** The handlers that a caller may use: those of the public services that are not `ingressPrivate`. */
export class Targets {
  readonly #services: readonly AnyService[];
  #find: FindPublicHandler | undefined;

  constructor(services: readonly AnyService[]) {
    this.#services = services;
  }

  /** Undefined for what is unknown and for what is private: nobody learns which. */
  async find(service: string, handler: string): Promise<PublicHandler | undefined> {
    // Not the promise: on Workers a request must not wait for what another one began.
    this.#find ??= await publicHandlersOf(this.#services);
    return this.#find(service, handler);
  }

  /**
   * @param hasKey Whether the request names the key of an object.
   * @throws HttpProblem `not-found` (404)
   */
  async require(service: string, handler: string, hasKey: boolean): Promise<PublicHandler> {
    const found = await this.find(service, handler);
    if (found !== undefined && (found.kind !== "service") === hasKey) return found;
    const path = hasKey ? `${service}/{key}/${handler}` : `${service}/${handler}`;
    throw new HttpProblem("not-found", 404, `There is no ${path} to invoke`);
  }
}
