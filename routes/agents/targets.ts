import { type FindPublicHandler, type PublicHandler, publicHandlersOf } from "../../src/ingress/public-handlers.ts";
import { isApprovalObject } from "../../src/approvals/approval-object.ts";
import type { AnyService } from "../../src/endpoint/restate-endpoint.ts";
import { sessionInfo } from "../../src/session/session-info.ts";
import { HttpProblem } from "../problem.ts";

/**
 * The handlers that a caller may use: those of the public services that are not `ingressPrivate`. What keeps approvals has
 * routes of its own, which look who asks.
 */
export class Targets {
  readonly #services: readonly AnyService[];
  readonly #sessions: ReadonlySet<string>;
  #find: FindPublicHandler | undefined;

  constructor(services: readonly AnyService[]) {
    this.#services = services.filter((service) => !isApprovalObject(service));
    this.#sessions = new Set(services.filter((service) => sessionInfo(service) !== undefined).map(({ name }) => name));
  }

  /** Whether the keys of this service are conversations, of which each named caller has its own. */
  isSession(service: string): boolean {
    return this.#sessions.has(service);
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
