/** `POST /{service}/{handler}` and `POST /{object}/{key}/{handler}`: invoke, and wait or not. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HttpProblem } from "../problem.ts";
import { createRouter, problems } from "../router.ts";
import { sessionName } from "../session-name.ts";
import { failed, ID_HEADER, pending, success } from "./answers.ts";
import { callOrAccept, type Outcome, sendOrSay } from "./call.ts";
import { durationMs, MAX_DELAY_MS } from "./delay.ts";
import { flowControlOf, orUnsupported } from "./flow-control.ts";
import { readJson } from "./input.ts";
import { keySpaceOf, type KeySpace } from "./key-space.ts";
import { preferencesOf, type Wait, waitOf } from "./preferences.ts";
import {
  AGENTS_ABOUT,
  AGENTS_PROBLEMS,
  type AgentsContext,
  ingressClient,
  pendingResponse,
  resultResponse,
} from "./route-context.ts";
import { traceHeadersOf } from "./trace-headers.ts";

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/;
const name = z.string().regex(NAME, "must be a name, such as WeatherAgent");
const key = z
  .string()
  .min(1)
  .max(1_024)
  .refine((text) => text !== "." && text !== "..", 'must not be "." or ".."')
  .openapi({ description: "Any text, percent-encoded" });

const querySchema = z.object({
  delay: z
    .string()
    .max(64)
    .optional()
    .transform((text, issues) => {
      if (text === undefined) return undefined;
      const ms = durationMs(text);
      if (ms !== undefined && ms <= MAX_DELAY_MS) return ms;
      issues.addIssue("must be a duration of at most 366 days, such as 10s, 1h 30m, PT10S or P1DT2H");
      return z.NEVER;
    })
    .openapi({ type: "string", example: "10s", description: "Run later; implies `prefer: respond-async`" }),
});

const headersSchema = z.object({
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, "must be 1 to 255 printable ASCII characters without spaces")
    .optional()
    .openapi({ description: "Two requests to a handler with the same key are one invocation and have one result" }),
  prefer: z
    .string()
    .optional()
    .openapi({ example: "respond-async", description: "`respond-async`, `wait=<seconds>` or both (RFC 7240)" }),
  "x-limit-key": z
    .string()
    .max(73)
    .optional()
    .openapi({ description: "Which limit the call asks to count for, where the app lets callers say so" }),
  traceparent: z.string().optional().openapi({ description: "https://www.w3.org/TR/trace-context/" }),
  tracestate: z.string().optional(),
});

const about = {
  ...AGENTS_ABOUT,
  method: "post",
  description:
    "Waits for the result. When that takes too long the answer becomes 202: the invocation goes on, and its result will be at `location`.",
  // Described, not validated: the handler knows what it takes, and empty is allowed.
  requestBody: { content: { "application/json": { schema: {} } } },
  responses: {
    200: resultResponse,
    202: pendingResponse,
    ...AGENTS_PROBLEMS,
    ...problems(408, 409, 413, 415, 501),
    default: { ...problems(500)[500], description: "The handler failed, with the status that it chose" },
  },
} as const;

const invokeService = createRoute({
  ...about,
  operationId: "invokeService",
  summary: "Invoke a handler of a service, such as an agent",
  path: "/{service}/{handler}",
  request: { params: z.object({ service: name, handler: name }), query: querySchema, headers: headersSchema },
});

const invokeObject = createRoute({
  ...about,
  operationId: "invokeObject",
  summary: "Invoke a handler of a virtual object or a workflow",
  path: "/{object}/{key}/{handler}",
  request: { params: z.object({ object: name, key, handler: name }), query: querySchema, headers: headersSchema },
});

/** The routes that invoke. */
export function invokeRoutes(agents: AgentsContext): OpenAPIHono {
  return createRouter()
    .openapi(invokeService, (context) => {
      const { service, handler } = context.req.valid("param");
      const rest = { ...context.req.valid("query"), ...context.req.valid("header") };
      return invoke(context, agents, { service, handler }, rest);
    })
    .openapi(invokeObject, (context) => {
      const { object: service, key: objectKey, handler } = context.req.valid("param");
      const rest = { ...context.req.valid("query"), ...context.req.valid("header") };
      return invoke(context, agents, { service, key: objectKey, handler }, rest);
    });
}

interface Target {
  readonly service: string;
  readonly key?: string;
  readonly handler: string;
}

async function invoke(
  context: Context,
  agents: AgentsContext,
  target: Target,
  {
    delay,
    prefer,
    "idempotency-key": sentKey,
    "x-limit-key": limitKey,
  }: z.output<typeof querySchema> & z.output<typeof headersSchema>,
): Promise<Response> {
  const { isWorkflowRun } = await agents.targets.require(target.service, target.handler, target.key !== undefined);
  if (isWorkflowRun && sentKey !== undefined) {
    throw new HttpProblem(
      "invalid-request",
      400,
      "Leave idempotency-key out: a workflow runs once for each of its keys, whoever starts it",
    );
  }
  const { waitMs, applied }: Wait =
    delay === undefined ? waitOf(preferencesOf(prefer), agents) : { waitMs: 0, applied: "respond-async" };
  // With a key the invocation can be found again when its answer is lost. It costs Restate nothing that was measurable.
  const ownKey = isWorkflowRun ? undefined : (sentKey ?? crypto.randomUUID());
  const keys = await keySpaceOf(context, agents.hasAuth);
  const inSession = agents.targets.isSession(target.service) ? conversationOf(target, keys) : undefined;
  const request = {
    body: await readJson(context.req.raw),
    headers: { ...traceHeadersOf(context.req.raw.headers), ...keys.headers },
    // Below a key of its own a caller meets nobody else.
    idempotencyKey: ownKey === undefined || inSession !== undefined ? ownKey : keys.forRestate(ownKey),
  };
  const flowControl = await flowControlOf(context, agents.flowControl, target, limitKey);
  const called = { ...(inSession ?? target), ...(flowControl === undefined ? {} : { flowControl }) };
  const ingress = ingressClient(context);
  const outcome: Outcome = await orUnsupported(async () =>
    waitMs === 0
      ? { kind: "accepted", ...(await sendOrSay(() => ingress.send(called, { ...request, delayMs: delay }), ownKey)) }
      : callOrAccept(ingress, called, { ...request, timeoutMs: waitMs }, ownKey),
  );
  return answer(outcome, locationOf(context.req.url, target), applied);
}

/** The caller's own conversation. @throws HttpProblem `invalid-request` (400) for what is no name of one. */
function conversationOf(target: Target, keys: KeySpace): Target {
  const parsed = sessionName.safeParse(target.key);
  if (parsed.success) return { ...target, key: keys.forRestate(parsed.data) };
  throw new HttpProblem("invalid-request", 400, `The path is invalid: key: ${z.prettifyError(parsed.error)}`);
}

function answer(outcome: Outcome, locationOfId: (id: string) => string, applied: string | undefined): Response {
  const { id } = outcome;
  switch (outcome.kind) {
    case "success":
      return success(outcome, applied);
    case "accepted": {
      const { startsAt } = outcome;
      return pending({ id, status: "accepted", location: locationOfId(id), startsAt }, applied);
    }
    case "failure":
      throw failed(outcome);
    case "already-started":
      throw new HttpProblem("workflow-already-started", 409, "This workflow has been started already, and runs once", {
        headers: { [ID_HEADER]: id, location: locationOfId(id) },
        members: { invocationId: id },
      });
  }
}

/** Paths of results, wherever these routes are mounted. */
function locationOf(url: string, { key: objectKey }: Target): (id: string) => string {
  const base = new URL(url).pathname.split("/").slice(0, objectKey === undefined ? -2 : -3);
  return (id) => [...base, "invocations", id].join("/");
}
