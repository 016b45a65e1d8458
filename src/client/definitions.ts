/** From a service's type to the type of its client. Nothing of this exists at run time. */
import type { ServiceDefinition, VirtualObjectDefinition, WorkflowDefinition } from "../restate.ts";
import type { AgentInvocation } from "./invocation.ts";
import type { RunOptions, SendOptions } from "./options.ts";

/** Any of what `service()`, `object()`, `workflow()` and `agentService()` make. */
export interface AnyDefinition {
  readonly name: string;
}

/** Handlers of which nothing is known. */
export type UntypedHandlers = Record<string, (context: never, input?: unknown) => Promise<unknown>>;

/** Handlers of a service; unknown for anything else. */
export type ServiceHandlers<D> = D extends ServiceDefinition<string, infer HANDLERS> ? HANDLERS : never;

/** Handlers of a virtual object; unknown for anything else. */
export type ObjectHandlers<D> = D extends VirtualObjectDefinition<string, infer HANDLERS> ? HANDLERS : never;

/** Handlers of a workflow; unknown for anything else. */
export type WorkflowHandlers<D> = D extends WorkflowDefinition<string, infer HANDLERS> ? HANDLERS : never;

/** The name of a definition; no name at all when it is of another kind. */
export type NameOf<D extends AnyDefinition, HANDLERS> = unknown extends HANDLERS ? never : D["name"];

/** What a handler is called with: its input, if it has one, and options. */
export type CallParameters<INPUT extends readonly unknown[], OPTIONS> = INPUT extends readonly []
  ? [input?: undefined, options?: OPTIONS]
  : [...INPUT, options?: OPTIONS];

/** A handler of the app as a function. */
export interface AgentHandler<INPUT extends readonly unknown[], OUTPUT> {
  /**
   * Invokes the handler and waits for its result, however many requests that takes.
   *
   * @throws AgentClientError
   */
  (...parameters: CallParameters<INPUT, RunOptions>): Promise<OUTPUT>;

  /**
   * Invokes the handler and returns as soon as Restate has accepted the invocation.
   *
   * @throws AgentClientError
   */
  send(...parameters: CallParameters<INPUT, SendOptions>): Promise<AgentInvocation<OUTPUT>>;

  /** An invocation of this handler that was started before, by its id. Makes no request. */
  invocation(id: string): AgentInvocation<OUTPUT>;
}

/** The handlers of a service, an object or a workflow. */
export type HandlersClient<HANDLERS> = {
  readonly [NAME in keyof HANDLERS]: HANDLERS[NAME] extends (
    context: never,
    ...input: infer INPUT
  ) => PromiseLike<infer OUTPUT>
    ? AgentHandler<INPUT, OUTPUT>
    : never;
};
