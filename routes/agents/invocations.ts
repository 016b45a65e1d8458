/** `GET /invocations/{id}`: a result; `DELETE`: cancel. Of invocations of public handlers alone. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AdminHttp } from "../../src/admin/admin-http.ts";
import type { Invocation } from "../../src/admin/invocations/invocation.ts";
import { Invocations } from "../../src/admin/invocations/invocations.ts";
import { InvocationNotFoundError } from "../../src/errors/invocation-not-found-error.ts";
import { RestateRefusedError } from "../../src/errors/restate-refused-error.ts";
import { HttpProblem } from "../problem.ts";
import { createRouter, problems } from "../router.ts";
import { restateAddress, settingsOf } from "../settings.ts";
import { failed, ID_HEADER, pending, type PendingInvocation, success } from "./answers.ts";
import { keySpaceOf } from "./key-space.ts";
import {
  AGENTS_ABOUT,
  AGENTS_PROBLEMS,
  type AgentsContext,
  ingressClient,
  pendingResponse,
  resultResponse,
} from "./route-context.ts";

const params = z.object({
  id: z
    .string()
    .regex(/^inv_[0-9A-Za-z]{1,64}$/, "must be the id of an invocation")
    .openapi({ example: "inv_1gOGkAD97RIn7jOf3unqt5pPR4B2uiEsVU" }),
});

const querySchema = z.object({
  wait: z
    .string()
    .regex(/^\d{1,9}$/, "must be a number of seconds")
    .transform(Number)
    .optional()
    .openapi({ type: "string", example: "10", description: "Seconds to wait for the result; the app bounds them" }),
});

const getResult = createRoute({
  ...AGENTS_ABOUT,
  operationId: "getInvocationResult",
  summary: "Get the result of an invocation, or what it is doing",
  method: "get",
  path: "/invocations/{id}",
  request: { params, query: querySchema },
  responses: {
    200: resultResponse,
    202: pendingResponse,
    ...AGENTS_PROBLEMS,
    default: { ...problems(500)[500], description: "The invocation failed, with the status that its handler chose" },
  },
});

const cancel = createRoute({
  ...AGENTS_ABOUT,
  operationId: "cancelInvocationOfAgent",
  summary: "Cancel an invocation",
  description: "Its handler ends as soon as it hears of it; then the result is a failure with status 409.",
  method: "delete",
  path: "/invocations/{id}",
  request: { params },
  responses: { 202: pendingResponse, ...AGENTS_PROBLEMS, ...problems(409) },
});

/** The routes about one invocation. They need RESTATE_ADMIN_URL, for whose invocation an id is. */
export function invocationRoutes(agents: AgentsContext): OpenAPIHono {
  return createRouter()
    .openapi(getResult, async (context) => {
      const { id } = context.req.valid("param");
      const { wait = 0 } = context.req.valid("query");
      const ingress = ingressClient(context);
      const invocation = await ownInvocation(context, agents, id);
      const waitMs = Math.min(wait * 1_000, agents.maxWaitMs);
      const isOver = invocation.status === "completed";
      if (!isOver && waitMs === 0) return pending(pendingOf(context, invocation));
      const result = isOver ? await ingress.output(id) : await ingress.attach(id, waitMs);
      if (result === undefined) return pending(pendingOf(context, await ownInvocation(context, agents, id)));
      if (result.kind === "failure") throw failed(result);
      return success(result);
    })
    .openapi(cancel, async (context) => {
      const { id } = context.req.valid("param");
      const invocation = await ownInvocation(context, agents, id);
      if (invocation.status === "completed") throw completed(id);
      try {
        await invocationsOf(context).cancel(id);
      } catch (error) {
        // It ended in the meantime.
        throw error instanceof RestateRefusedError && error.code === 409 ? completed(id) : error;
      }
      return pending({ ...pendingOf(context, invocation), status: "cancelling" });
    });
}

function invocationsOf(context: Context): Invocations {
  return new Invocations(new AdminHttp(restateAddress(settingsOf(context), "admin")));
}

/**
 * Whose an invocation is says the key of its conversation, elsewhere its idempotency key.
 *
 * @throws InvocationNotFoundError (404) also for invocations that nobody outside could have made, and for those of another
 * caller: nobody learns which. A workflow's run has no idempotency key, and is of all who know its id.
 */
async function ownInvocation(context: Context, { targets, hasAuth }: AgentsContext, id: string): Promise<Invocation> {
  const invocation = await invocationsOf(context).get(id);
  if (invocation === undefined) throw new InvocationNotFoundError(id);
  const handler = await targets.find(invocation.service, invocation.handler);
  if (handler === undefined) throw new InvocationNotFoundError(id);
  const keys = await keySpaceOf(context, hasAuth);
  const key = targets.isSession(invocation.service) ? invocation.key : invocation.idempotencyKey;
  if (!handler.isWorkflowRun && !keys.has(key)) throw new InvocationNotFoundError(id);
  return invocation;
}

function pendingOf(context: Context, invocation: Invocation): PendingInvocation {
  const { id, status, scheduledStartAt, createdAt, modifiedAt, retryCount, nextRetryAt } = invocation;
  const location = new URL(context.req.url).pathname;
  return { id, status, location, startsAt: scheduledStartAt, createdAt, modifiedAt, retryCount, nextRetryAt };
}

function completed(id: string): HttpProblem {
  return new HttpProblem("invocation-completed", 409, "The invocation has ended already: read its result", {
    headers: { [ID_HEADER]: id },
    members: { invocationId: id },
  });
}
