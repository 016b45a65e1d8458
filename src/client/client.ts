import type { Answer, Attempted } from "./answer.ts";
import { AgentClientError } from "./client-error.ts";
import { Connection } from "./connection.ts";
import type {
  AgentHandler,
  AnyDefinition,
  HandlersClient,
  NameOf,
  ObjectHandlers,
  ServiceHandlers,
  UntypedHandlers,
  WorkflowHandlers,
} from "./definitions.ts";
import { acceptedId, type AgentInvocation, callHeaders, deadlineOf, invocation, pollResult } from "./invocation.ts";
import { type AgentClientOptions, bounded, type RunOptions, segment, type SendOptions } from "./options.ts";
import type { ServiceDefinition, VirtualObjectDefinition, WorkflowDefinition } from "../restate.ts";

const SEND_MS = 30_000;
const MAX_DELAY_MS = 2 ** 31 - 1;

/** A client of an app. */
export interface AgentClient {
  /**
   * The handlers of a service. With the service's type the name, the handlers, their inputs and results are checked.
   *
   * @example
   * ```ts
   * const weather = client.service<typeof weatherService>("WeatherAgent");
   * const answer = await weather.run("What is the weather in Berlin?");
   * const later = await weather.run.send("And in Paris?");
   * ```
   */
  service<D extends AnyDefinition = ServiceDefinition<string, UntypedHandlers>>(
    name: NameOf<D, ServiceHandlers<D>>,
  ): HandlersClient<ServiceHandlers<D>>;

  /** The handlers of one virtual object: of its key. */
  object<D extends AnyDefinition = VirtualObjectDefinition<string, UntypedHandlers>>(
    name: NameOf<D, ObjectHandlers<D>>,
    key: string,
  ): HandlersClient<ObjectHandlers<D>>;

  /** The handlers of one workflow: of its id. A workflow runs once for an id. */
  workflow<D extends AnyDefinition = WorkflowDefinition<string, UntypedHandlers>>(
    name: NameOf<D, WorkflowHandlers<D>>,
    id: string,
  ): HandlersClient<WorkflowHandlers<D>>;

  /** An invocation that was started before, by its id. Makes no request. Give the type of its result. */
  invocation<OUTPUT = unknown>(id: string): AgentInvocation<OUTPUT>;
}

/**
 * A client of an edge app's agents API, for browsers, Node, Deno and Workers. It uses `fetch` and nothing else.
 *
 * @example
 * ```ts
 * import { createClient } from "restate-edge-agents/client";
 * import type { weatherService } from "./agents.ts"; // the type alone: no server code gets into a page
 *
 * const client = createClient({ url: "https://agents.example.com", apiKey: () => session.key });
 * const weather = client.service<typeof weatherService>("WeatherAgent");
 * const answer = await weather.run("What is the weather in Berlin?", { timeoutMs: 60_000 });
 * ```
 *
 * @throws AgentClientError `invalid-options`
 */
export function createClient(options: AgentClientOptions): AgentClient {
  const connection = new Connection(options);
  // The types of names and handlers are the callers': at run time any name is a path.
  const client = {
    service: (name: string) => handlersClient(connection, name, `/${segment("service", name)}`),
    object: (name: string, key: string) =>
      handlersClient(connection, name, `/${segment("object", name)}/${segment("key", key)}`),
    workflow: (name: string, id: string) =>
      handlersClient(connection, name, `/${segment("workflow", name)}/${segment("id", id)}`, "run"),
    invocation: (id: string) => invocation(connection, segmentChecked(id), id),
  };
  return client as AgentClient;
}

/**
 * Which handlers there are is known to the types alone, so a name becomes a handler when it is read. `once` is the
 * handler of which the path names one invocation.
 */
function handlersClient(connection: Connection, service: string, path: string, once?: string): object {
  const made = new Map<string, unknown>();
  return new Proxy(Object.freeze(Object.create(null) as object), {
    get(_target, name) {
      // `await`, JSON and template strings look for these, and must not invoke anything.
      if (typeof name !== "string" || name === "then" || name === "toJSON" || name in Object.prototype)
        return undefined;
      let handler = made.get(name);
      if (handler === undefined) {
        const target = {
          name: `${service}/${name}`,
          path: `${path}/${segment("handler", name)}`,
          isOnce: name === once,
        };
        handler = handlerClient(connection, target);
        made.set(name, handler);
      }
      return handler;
    },
  });
}

interface Target {
  /** For errors. */
  readonly name: string;
  readonly path: string;
  /** True for the `run` of a workflow: its id is its idempotency key. */
  readonly isOnce: boolean;
}

function handlerClient(connection: Connection, { name, path, isOnce }: Target): AgentHandler<[unknown?], unknown> {
  const post = async (verb: string, input: unknown, options: SendOptions, isAwaited: boolean) => {
    const idempotencyKey =
      isOnce || options.idempotencyKey === false ? undefined : (options.idempotencyKey ?? randomKey());
    const attempted: Attempted = { action: `${verb} ${name}`, idempotencyKey };
    const deadline = deadlineOf(options, isAwaited ? undefined : SEND_MS);
    const answer = await connection.send(
      {
        ...attempted,
        method: "POST",
        path,
        query: delayQuery(options),
        headers: {
          ...callHeaders(options),
          "content-type": input === undefined ? undefined : "application/json",
          "idempotency-key": idempotencyKey,
          "x-limit-key": options.limitKey,
          prefer: "respond-async",
        },
        wait: isAwaited ? "prefer" : undefined,
        body: bodyOf(input, attempted),
        isRepeatable: isOnce || idempotencyKey !== undefined,
        recover: isOnce ? startedByUs : undefined,
      },
      deadline,
    );
    return { answer, attempted, deadline };
  };

  const run = async (input?: unknown, options: RunOptions = {}): Promise<unknown> => {
    const { answer, attempted, deadline } = await post("run", input, options, true);
    if (answer.status !== 202) return answer.body;
    const invocationId = acceptedId(answer, attempted);
    return pollResult(connection, { ...attempted, invocationId }, deadline, options);
  };

  const send = async (input?: unknown, options: SendOptions = {}): Promise<AgentInvocation<unknown>> => {
    const { answer, attempted } = await post("send to", input, options, false);
    return byId(acceptedId(answer, attempted));
  };

  const byId = (id: string): AgentInvocation<unknown> => invocation(connection, segmentChecked(id), name);
  return Object.assign(run, { send, invocation: byId });
}

/** Nothing of the input is told, nor of what its `toJSON` throws. */
function bodyOf(input: unknown, attempted: Attempted): string | undefined {
  if (input === undefined) return undefined;
  try {
    // Undefined for a function or a symbol, which its type does not say.
    const body = JSON.stringify(input) as string | undefined;
    if (body !== undefined) return body;
  } catch {
    // A bigint, or a circle.
  }
  const detail = "the input cannot be written as JSON: it may hold a bigint, a function or itself";
  throw new AgentClientError({ ...attempted, kind: "bad-request", code: "invalid-input", detail });
}

/** A workflow whose start is repeated because the answer was lost has been started already. */
function startedByUs({ code, invocationId }: AgentClientError): Answer | undefined {
  if (code !== "workflow-already-started" || invocationId === undefined) return undefined;
  return { status: 202, headers: new Headers(), body: { id: invocationId } };
}

function delayQuery({ delayMs }: SendOptions): Readonly<Record<string, string>> {
  if (delayMs === undefined) return {};
  return { delay: `${Math.ceil(bounded("delayMs", delayMs, 0, 0, MAX_DELAY_MS))}ms` };
}

function segmentChecked(id: string): string {
  segment("id", id);
  return id;
}

/** 128 random bits. `crypto.randomUUID` is missing in pages without TLS. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
