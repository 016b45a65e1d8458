/** What invocations end with, as Restate's ingress tells it. */
import { z } from "zod";
import type { Sealing } from "../encryption/sealing.ts";
import { ERROR_METADATA_KEY } from "../errors/edge-agent-error.ts";
import type { RestateAnswer } from "../http/restate-http.ts";

/** An invocation ended with a value. */
export interface InvocationSuccess {
  readonly kind: "success";
  readonly id: string;
  /** Undefined when the handler returned nothing. */
  readonly contentType: string | undefined;
  /** The handler's output, as its serde wrote it. */
  readonly bytes: ArrayBuffer;
}

/** An invocation ended with a `TerminalError`. */
export interface InvocationFailure {
  readonly kind: "failure";
  readonly id: string;
  /** The error's `code`; by convention an HTTP status. A cancelled invocation has 409. */
  readonly code: number;
  readonly message: string;
  /** Stable name of an error of this library, such as `model-call-failed`. */
  readonly errorCode?: string | undefined;
  /** Facts about an error of this library. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

export type InvocationResult = InvocationSuccess | InvocationFailure;

/** Every answer about one invocation carries its id. */
const ID_HEADER = "x-restate-id";

const failureSchema = z.object({
  code: z.int(),
  message: z.string(),
  metadata: z.record(z.string(), z.string()).optional(),
});

const factsSchema = z.object({ errorCode: z.string(), fields: z.record(z.string(), z.unknown()) });

/**
 * The result in an answer, decrypted when there is an encryption; undefined when it is none.
 *
 * @throws JournalKeyUnknownError, JournalTamperedError, JournalPlaintextError
 */
export async function resultIn(answer: RestateAnswer, sealing?: Sealing): Promise<InvocationResult | undefined> {
  const id = answer.headers.get(ID_HEADER);
  if (id === null) return undefined;
  if (answer.isOfInvocation) return failureIn(answer, id, sealing);
  if (!answer.ok) return undefined;
  const bytes = sealing === undefined ? answer.bytes : (await sealing.open(new Uint8Array(answer.bytes))).buffer;
  return { kind: "success", id, contentType: answer.headers.get("content-type") ?? undefined, bytes };
}

async function failureIn(answer: RestateAnswer, id: string, sealing?: Sealing): Promise<InvocationFailure> {
  const parsed = failureSchema.safeParse(answer.json());
  if (!parsed.success) return { kind: "failure", id, code: answer.status, message: "The invocation failed" };
  const { code } = parsed.data;
  const { message, metadata } = (await sealing?.openFailure(parsed.data)) ?? parsed.data;
  return { kind: "failure", id, code, message, ...factsIn(metadata?.[ERROR_METADATA_KEY]) };
}

/** Errors of this library carry their facts in the failure's metadata. */
function factsIn(metadata: string | undefined): Pick<InvocationFailure, "errorCode" | "fields"> {
  try {
    return factsSchema.safeParse(JSON.parse(metadata ?? "null")).data ?? {};
  } catch {
    return {};
  }
}
