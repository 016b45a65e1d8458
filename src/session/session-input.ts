/** Checks what the handlers of a session are called with. */
import { convertToModelMessages, type ModelMessage, type UIMessage, type UserModelMessage } from "ai";
import { z } from "zod";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { isNestedDeeper, MAX_INPUT_LEVELS } from "../journal/input-depth.ts";
import type { HistoryInput, InterruptInput, SteerInput, UpdateInput, UserInput } from "./session-types.ts";

/** A user's message, as it is kept. */
export type UserMessage = UIMessage & { readonly role: "user" };

/** A checked input of `send`. */
export type CheckedSend =
  | {
      readonly kind: "message";
      readonly turn: string | undefined;
      readonly message: UserInput;
      /** The user message whose place it takes. */
      readonly replaces?: string;
      readonly metadata?: unknown;
      readonly options?: unknown;
    }
  | {
      readonly kind: "regenerate";
      readonly turn: string | undefined;
      readonly of: string | undefined;
      readonly options?: unknown;
    };

/** Ids are parts of URLs, and the last part of a stream's name: with a slash, that of another conversation's. */
const MAX_ID_LENGTH = 200;
const MAX_TURNS_OF_A_PAGE = 200;

const id = z
  .string()
  .min(1)
  .max(MAX_ID_LENGTH)
  .refine((value) => value.isWellFormed() && !value.includes("/"), "it must be well-formed text without slashes");
const textPart = z.looseObject({ type: z.literal("text"), text: z.string() });
/** What the AI SDK cannot read would fail this turn, and each one after it. */
const fileUrl = z.string().refine(isFileUrl, "it must be an http:, https: or data: URL");
const filePart = z.looseObject({ type: z.literal("file"), mediaType: z.string().min(1), url: fileUrl });
const userMessage = z
  .looseObject({
    id: id.optional(),
    role: z.literal("user").optional(),
    parts: z.array(z.discriminatedUnion("type", [textPart, filePart])).min(1),
  })
  .refine(({ parts }) => parts.some((part) => part.type === "file" || part.text !== ""), "it says nothing");
const message = z.union([z.string().min(1), userMessage]);
const sendSchema = z.union([
  z.string().min(1),
  z.strictObject({
    message,
    turn: id.optional(),
    replaces: id.optional(),
    metadata: z.unknown().optional(),
    options: z.unknown().optional(),
  }),
  z.strictObject({
    regenerate: z.literal(true),
    turn: id.optional(),
    of: id.optional(),
    options: z.unknown().optional(),
  }),
]);
const findSchema = z.strictObject({ turn: id.optional(), message: id.optional() });
const interruptSchema = z.strictObject({ turn: id.optional() });
const steerSchema = z.strictObject({ message, id: id.optional() });
const historySchema = z.strictObject({
  form: z.enum(["ui", "model"]).optional(),
  before: z.int().min(0).optional(),
  limit: z.int().min(1).max(MAX_TURNS_OF_A_PAGE).optional(),
});
const updateSchema = z.strictObject({
  title: z.string().max(1_000).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
});

function isFileUrl(text: string): boolean {
  if (!/^data:/i.test(text)) return /^https?:/i.test(text) && URL.canParse(text);
  const comma = text.indexOf(",");
  const content = text.slice(comma + 1).replace(/={1,2}$/, "");
  return /;base64,$/i.test(text.slice(0, comma + 1)) && isBase64(content);
}

/** Without its padding. */
function isBase64(text: string): boolean {
  return text !== "" && text.length % 4 !== 1 && !/[^\w+/-]/.test(text);
}

/** @throws InvalidInputError (400) */
export function checkSend(service: string, input: unknown): CheckedSend {
  const help = "pass a text, { message }, or { regenerate: true }";
  const checked = check(`send to ${service}`, help, sendSchema, input);
  if (typeof checked === "string") return { kind: "message", turn: undefined, message: checked };
  const { turn, options } = checked;
  const shared = { turn, ...(options === undefined ? {} : { options }) };
  if ("regenerate" in checked) return { kind: "regenerate", of: checked.of, ...shared };
  const { metadata, replaces } = checked;
  return {
    kind: "message",
    message: checked.message as UserInput,
    ...shared,
    ...(replaces === undefined ? {} : { replaces }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

/** @throws InvalidInputError (400) */
export function checkInterrupt(service: string, input: unknown): InterruptInput {
  return check(`interrupt ${service}`, "pass nothing, or { turn }", interruptSchema, input ?? {});
}

/** @throws InvalidInputError (400) */
export function checkFind(
  service: string,
  input: unknown,
): { readonly turn?: string | undefined; readonly message?: string | undefined } {
  return check(`find a turn of ${service}`, "pass { turn } or { message }", findSchema, input);
}

/** @throws InvalidInputError (400) */
export function checkSteer(service: string, input: unknown): SteerInput {
  return check(`steer ${service}`, "pass { message }", steerSchema, input) as SteerInput;
}

/** @throws InvalidInputError (400) */
export function checkHistory(service: string, input: unknown): HistoryInput {
  return check(
    `read the history of ${service}`,
    "pass nothing, or { form, before, limit }",
    historySchema,
    input ?? {},
  );
}

/** @throws InvalidInputError (400) */
export function checkUpdate(service: string, input: unknown): UpdateInput {
  return check(`update ${service}`, "pass { title } or { metadata }", updateSchema, input);
}

/** The message as it is kept: with an id, without what is not the user's to say. */
export function asUserMessage(input: UserInput, fallbackId: string, metadata?: unknown): UserMessage {
  if (typeof input === "string") {
    return { id: fallbackId, role: "user", parts: [{ type: "text", text: input }], ...withMetadata(metadata) };
  }
  const { id: own = fallbackId, parts, metadata: ownMetadata = metadata } = input;
  return { id: own, role: "user", parts, ...withMetadata(ownMetadata) };
}

/** The message as a model is given it. */
export async function asModelMessage({ role, parts }: UserMessage): Promise<UserModelMessage> {
  const [converted]: readonly ModelMessage[] = await convertToModelMessages([{ role, parts }]);
  if (converted?.role === "user") return converted;
  throw new InvalidInputError("Cannot give this message to a model: it has neither text nor a file");
}

function withMetadata(metadata: unknown): { readonly metadata?: unknown } {
  return metadata === undefined ? {} : { metadata };
}

function check<T>(what: string, help: string, schema: z.ZodType<T>, input: unknown): T {
  if (isNestedDeeper(input, MAX_INPUT_LEVELS)) {
    throw new InvalidInputError(`Cannot ${what}: the input is nested by more than ${MAX_INPUT_LEVELS} levels`);
  }
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(`Cannot ${what}: ${help}: ${z.prettifyError(parsed.error)}`);
}
