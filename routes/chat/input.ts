/**
 * What a chat client posts. AI SDK clients post the whole conversation; of it only three things are taken, because the
 * session knows the rest better: the last user message, a person's answers to approvals, and the outputs of tools that the
 * client has executed.
 */
import { z } from "@hono/zod-openapi";
import type { UIMessage } from "ai";
import type { UserInput } from "../../src/session/session-types.ts";
import { HttpProblem } from "../problem.ts";
import { MAX_REASON } from "../approvals/approval-schemas.ts";

/** Without a slash: the name of a turn's stream holds it, after the session's key. */
export const TURN_ID: RegExp = /^[A-Za-z0-9_.:~-]{1,128}$/;
const TURN_RULE = "must be 1 to 128 letters, digits and _ . : ~ -";

/** Most parts of a message that are looked at. */
const MAX_PARTS = 1_000;
/** Most answers of one request: each is a call to Restate. */
const MAX_ANSWERS = 50;
/** Most outputs of one request, and longest one, in characters of its JSON: it goes into the turn's journal. */
const MAX_OUTPUTS = 100;
const MAX_OUTPUT = 256 * 1024;
const MAX_ERROR_TEXT = 10_000;

/** What happens to a message that comes while a turn runs. */
export type ChatMode = "queue" | "interrupt" | "steer";

const textPart = z.object({ type: z.literal("text"), text: z.string() });
const filePart = z.object({
  type: z.literal("file"),
  mediaType: z.string().min(1).max(255),
  url: z.string().regex(/^(https:|data:)/i, "must be an https: or data: URL"),
  filename: z.string().max(1_024).optional(),
});

const userMessage = z.object({
  id: z.string().regex(TURN_ID, TURN_RULE).optional(),
  role: z.literal("user"),
  parts: z
    .array(z.discriminatedUnion("type", [textPart, filePart]))
    .min(1)
    .max(MAX_PARTS)
    // The session would refuse it, too, but its id would be used up by then.
    .refine((parts) => parts.some((part) => part.type === "file" || part.text !== ""), "it says nothing"),
  metadata: z.unknown().optional(),
});

const assistantMessage = z.looseObject({
  id: z.string(),
  role: z.literal("assistant"),
  parts: z.array(z.looseObject({ type: z.string() })).max(MAX_PARTS),
});

const answeredPart = z.looseObject({
  state: z.literal("approval-responded"),
  approval: z.looseObject({ id: z.string(), approved: z.boolean(), reason: z.string().max(MAX_REASON).optional() }),
});

const outputPart = z.union([
  z.looseObject({ toolCallId: z.string(), state: z.literal("output-available"), output: z.unknown() }),
  z.looseObject({
    toolCallId: z.string(),
    state: z.literal("output-error"),
    errorText: z.string().max(MAX_ERROR_TEXT, "must be short"),
  }),
]);

/** The body of a POST. */
export interface ChatBody {
  readonly id?: string | undefined;
  readonly messages?: unknown[] | undefined;
  readonly message?: string | undefined;
  readonly trigger?: "submit-message" | "regenerate-message" | undefined;
  readonly messageId?: string | undefined;
  readonly mode?: ChatMode | undefined;
  readonly until?: "pause" | "end" | undefined;
}

/** AI SDK clients may add members of their own. */
export const chatBody: z.ZodType<ChatBody, ChatBody> = z
  .looseObject({
    id: z.string().optional().openapi({ description: "The session, where the path does not name it" }),
    messages: z.array(z.unknown()).min(1).optional().openapi({
      description:
        "UI messages of the AI SDK. Only the last one counts: a user message, approvals, or outputs of tools",
    }),
    message: z.string().min(1).optional().openapi({ description: "A text, in place of `messages`" }),
    trigger: z.enum(["submit-message", "regenerate-message"]).optional(),
    messageId: z.string().optional().openapi({ description: "The message that is replaced or continued" }),
    mode: z.enum(["queue", "interrupt", "steer"]).optional().openapi({
      description:
        "While a turn runs: wait for its end (default); end it, then answer; or add the message to it at its next step",
    }),
    until: z.enum(["pause", "end"]).optional().openapi({
      description:
        "`pause` (default): the answer ends when the turn waits for people alone, as useChat expects. `end`: it stays open",
    }),
  })
  .openapi("ChatRequest");

/** A person's answer to an approval. */
export interface ApprovalAnswer {
  readonly id: string;
  readonly approved: boolean;
  readonly reason: string | undefined;
}

/** What the client says of a tool call that it has executed. */
export type ToolOutput = { readonly toolCallId: string } & (
  | { readonly output: unknown }
  | { readonly errorText: string }
);

/** What a POST asks for. */
export type ChatRequest =
  | { readonly kind: "message"; readonly message: UserMessage; readonly mode: ChatMode; readonly replaces?: string }
  | { readonly kind: "regenerate"; readonly of: string | undefined; readonly mode: ChatMode }
  | {
      readonly kind: "continue";
      readonly message: UIMessage;
      readonly answers: readonly ApprovalAnswer[];
      /** Of all calls of its last step that have one: which of them wait for it, the session knows. */
      readonly outputs: readonly ToolOutput[];
    };

/** A user's message, with its id. */
export type UserMessage = Exclude<UserInput, string> & { readonly id: string };

/**
 * Reads a body that `chatBody` has accepted.
 *
 * @throws HttpProblem `invalid-request` (400)
 */
export function chatRequestOf(body: ChatBody): ChatRequest {
  const { messages, message, trigger, messageId, mode = "queue" } = body;
  if (trigger === "regenerate-message") return { kind: "regenerate", of: messageId ?? idOf(messages?.at(-1)), mode };
  if (message !== undefined) {
    if (messages !== undefined) throw invalid("Send message or messages, not both", "message");
    return { kind: "message", message: withId({ role: "user", parts: [{ type: "text", text: message }] }), mode };
  }
  const last = messages?.at(-1);
  // An approval may be answered when there are messages after it.
  const continued = messages?.find((other) => roleOf(other) === "assistant" && idOf(other) === messageId) ?? last;
  if (roleOf(continued) === "assistant") return continuation(continued);
  const read = userMessage.safeParse(last);
  if (!read.success)
    throw invalid(`The last message must be a user message: ${z.prettifyError(read.error)}`, "messages");
  const own = withId(read.data);
  // useChat edits a message by sending another one with its id.
  const isEdit = messageId !== undefined && messageId === own.id;
  if (isEdit && mode === "steer") {
    throw invalid(
      "A message that takes the place of another is no addition to a running turn: use another mode",
      "mode",
    );
  }
  return isEdit
    ? { kind: "message", message: own, mode, replaces: messageId }
    : { kind: "message", message: own, mode };
}

function continuation(last: unknown): ChatRequest {
  const read = assistantMessage.safeParse(last);
  if (!read.success) throw invalid(`The assistant's message is invalid: ${z.prettifyError(read.error)}`, "messages");
  const answers = read.data.parts.flatMap((part): ApprovalAnswer[] => {
    const answered = answeredPart.safeParse(part);
    if (!answered.success) return [];
    const { id, approved, reason } = answered.data.approval;
    return [{ id, approved, reason }];
  });
  if (answers.length > MAX_ANSWERS) throw invalid(`Answer at most ${MAX_ANSWERS} approvals at once`, "messages");
  const outputs = outputsOf(read.data.parts);
  if (answers.length + outputs.length === 0) {
    throw invalid(
      "The message is the assistant's, answers no approval and brings no output: send a user message, an answer or an output",
      "messages",
    );
  }
  // Only its id, and which steps and tool calls it has, are looked at.
  return { kind: "continue", message: read.data as unknown as UIMessage, answers, outputs };
}

/** Only the last step can wait. */
function outputsOf(parts: z.output<typeof assistantMessage>["parts"]): readonly ToolOutput[] {
  const step = parts.slice(parts.findLastIndex(({ type }) => type === "step-start") + 1);
  const outputs = step.flatMap((part): ToolOutput[] => {
    const read = outputPart.safeParse(part);
    if (!read.success || part["providerExecuted"] === true || part["preliminary"] === true) return [];
    const { toolCallId } = read.data;
    if (read.data.state === "output-error") return [{ toolCallId, errorText: read.data.errorText }];
    return [{ toolCallId, output: read.data.output ?? null }];
  });
  if (outputs.length > MAX_OUTPUTS) throw invalid(`Bring at most ${MAX_OUTPUTS} outputs at once`, "messages");
  return outputs;
}

/** True for an output that is too large to be taken. */
export function isTooLarge(output: ToolOutput): boolean {
  return "output" in output && JSON.stringify(output.output).length > MAX_OUTPUT;
}

function withId(message: z.output<typeof userMessage>): UserMessage {
  const { id = crypto.randomUUID(), role, metadata } = message;
  const parts: UserMessage["parts"] = message.parts.map((part) =>
    part.type === "text"
      ? { type: "text", text: part.text }
      : { type: "file", mediaType: part.mediaType, url: part.url, ...(part.filename && { filename: part.filename }) },
  );
  return { id, role, parts, ...(metadata === undefined ? {} : { metadata }) };
}

function idOf(message: unknown): string | undefined {
  return z.looseObject({ id: z.string() }).safeParse(message).data?.id;
}

function roleOf(message: unknown): unknown {
  return typeof message === "object" && message !== null && "role" in message ? message.role : undefined;
}

function invalid(detail: string, at: string): HttpProblem {
  return new HttpProblem("invalid-request", 400, detail, { members: { errors: [{ at, message: detail }] } });
}
