/**
 * An agent that other agents call, over the Agent2Agent protocol (A2A 1.0, JSON-RPC): a task is an invocation, so it
 * survives whatever dies, and can be asked for or cancelled later. The protocol is `@a2a-js/sdk`'s; this file says what a task
 * is here. Callers need an API key, as everywhere.
 *
 * Its card: `GET /.well-known/agent-card.json`. Calls: `POST /a2a`.
 */
import { type AgentCard, type Part, type SendMessageRequest, type Task, TaskState } from "@a2a-js/sdk";
import { RequestMalformedError, TaskNotFoundError, UnsupportedOperationError } from "@a2a-js/sdk/errors";
import { type A2ARequestHandler, JsonRpcTransportHandler, ServerCallContext } from "@a2a-js/sdk/server";
import type { Hono } from "hono";
import { appModel } from "../../agents/model.ts";
import { agentService, RestateAgent } from "../../src/index.ts";

/** Answers questions. */
export const translator = agentService(
  "Translator",
  new RestateAgent({ id: "translator", model: appModel(), instructions: "You translate into French." }),
);

const cardAt = (origin: string): object => ({
  name: "Translator",
  description: "Translates into French.",
  version: "1.0.0",
  supportedInterfaces: [{ url: `${origin}/a2a`, protocolBinding: "JSONRPC", protocolVersion: "1.0" }],
  capabilities: { streaming: false, pushNotifications: false },
  defaultInputModes: ["text/plain"],
  defaultOutputModes: ["text/plain"],
  skills: [{ id: "translate", name: "Translate", description: "Translates a text into French.", tags: ["language"] }],
});

/** Routes of the protocol, beside those of the app, which they call with the rights of their caller. */
export function addA2A(app: Hono): void {
  app.get("/.well-known/agent-card.json", (context) => context.json(cardAt(new URL(context.req.url).origin)));
  app.post("/a2a", async ({ req, env }) => {
    const authorization = req.header("authorization") ?? "";
    const tasks = tasksOf((path, { headers, ...init } = {}) =>
      app.request(path, { ...init, headers: { ...headers, authorization } }, env),
    );
    const context = new ServerCallContext({ requestedVersion: req.header("a2a-version") ?? "1.0" });
    return Response.json(await new JsonRpcTransportHandler(tasks).handle(await req.text(), context));
  });
}

/** Calls the app's own routes. */
type Call = (
  path: string,
  init?: { method?: string; body?: string; headers?: Record<string, string> },
) => Promise<Response> | Response;

function tasksOf(call: Call): A2ARequestHandler {
  const unsupported = (): never => {
    throw new UnsupportedOperationError({ message: "This agent answers SendMessage, GetTask and CancelTask" });
  };
  const find = async (id: string): Promise<Task> =>
    taskOf(id, "", await call(`/agents/invocations/${encodeURIComponent(id)}`));
  return {
    sendMessage: async ({ message, configuration }: SendMessageRequest): Promise<Task> => {
      const text = (message?.parts ?? [])
        .map(({ content }) => (content?.$case === "text" ? content.value : ""))
        .join("\n");
      if (message === undefined || text.trim() === "") throw new RequestMalformedError({ message: "Send a text" });
      const headers = {
        "content-type": "application/json",
        // The same message again is the same task.
        "idempotency-key": `a2a-${message.messageId}`,
        prefer: configuration?.returnImmediately === true ? "respond-async" : "wait=60",
      };
      const response = await call("/agents/Translator/run", { method: "POST", body: JSON.stringify(text), headers });
      return taskOf(response.headers.get("x-restate-id") ?? "", message.contextId, response);
    },
    getTask: ({ id }) => find(id),
    cancelTask: async ({ id }) => {
      await call(`/agents/invocations/${encodeURIComponent(id)}`, { method: "DELETE" });
      return find(id);
    },
    getAgentCard: (): Promise<AgentCard> => unsupported(),
    getAuthenticatedExtendedAgentCard: unsupported,
    sendMessageStream: unsupported,
    resubscribe: unsupported,
    listTasks: unsupported,
    createTaskPushNotificationConfig: unsupported,
    getTaskPushNotificationConfig: unsupported,
    listTaskPushNotificationConfigs: unsupported,
    deleteTaskPushNotificationConfig: unsupported,
  };
}

/** The task that an answer of /agents tells of. */
async function taskOf(id: string, contextId: string, response: Response): Promise<Task> {
  if (response.status === 404 || id === "") throw new TaskNotFoundError({ message: `There is no task "${id}"` });
  const body: unknown = await response.json();
  const task = { id, contextId: contextId === "" ? id : contextId, history: [], metadata: undefined };
  const status = (state: TaskState) => ({ state, message: undefined, timestamp: undefined });
  if (response.status === 202) return { ...task, status: status(TaskState.TASK_STATE_WORKING), artifacts: [] };
  if (!response.ok) {
    const { error } = body as { readonly error?: { readonly code?: number } };
    const state = error?.code === 409 ? TaskState.TASK_STATE_CANCELED : TaskState.TASK_STATE_FAILED;
    return { ...task, status: status(state), artifacts: [] };
  }
  const parts: Part[] = [
    { content: { $case: "text", value: String(body) }, metadata: undefined, filename: "", mediaType: "text/plain" },
  ];
  const artifact = {
    artifactId: "answer",
    name: "Answer",
    description: "",
    parts,
    metadata: undefined,
    extensions: [],
  };
  return { ...task, status: status(TaskState.TASK_STATE_COMPLETED), artifacts: [artifact] };
}
