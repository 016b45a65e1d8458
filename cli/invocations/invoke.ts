/** Invokes a handler through Restate's ingress. */
import { IngressClient } from "../../src/ingress/ingress-client.ts";
import type { InvocationFailure, InvocationResult } from "../../src/ingress/result.ts";
import type { InvocationTarget } from "../../src/ingress/target.ts";
import { requireUrl, type RestateSettings } from "../project/restate-settings.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { ToolError } from "../tool/tool-error.ts";

/** What is invoked, and how. */
export interface InvokeRequest {
  readonly target: InvocationTarget;
  /** JSON. */
  readonly body: string | undefined;
  readonly idempotencyKey?: string | undefined;
  /** Longest wait for the result, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What came of it. */
export interface InvokeResult {
  /** Absent only when nothing was invoked. */
  readonly invocation?: string | undefined;
  /** `accepted`: it was sent, and runs. */
  readonly status: "completed" | "accepted" | "failed" | "would-invoke";
  /** False: this idempotency key, or this workflow, had been accepted earlier. */
  readonly isNew?: boolean | undefined;
  /** When a delayed one starts, ISO 8601. */
  readonly startsAt?: string | undefined;
  /** Of a completed one: parsed, if it is JSON. Absent: the handler returned nothing. */
  readonly output?: unknown;
  readonly failure?: Pick<InvocationFailure, "code" | "message" | "errorCode" | "fields"> | undefined;
}

/** Invokes it and waits. @throws ToolError `no-result-in-time` */
export async function invokeAndWait(settings: RestateSettings, request: InvokeRequest): Promise<InvokeResult> {
  const { target, body, idempotencyKey, timeoutMs, signal } = request;
  const limit = AbortSignal.timeout(timeoutMs);
  const result = await clientOf(settings)
    // The client's own limit comes later, so that the two are told apart.
    .call(target, { body, idempotencyKey, timeoutMs: 2 * timeoutMs, signal: AbortSignal.any([signal, limit]) })
    .catch((error: unknown) => {
      signal.throwIfAborted();
      throw limit.aborted ? noResult(error, request) : error;
    });
  if (result.kind === "already-started") return { invocation: result.id, status: "accepted", isNew: false };
  return resultOf(result);
}

/** Sends it. */
export async function sendOnly(
  settings: RestateSettings,
  {
    target,
    body,
    idempotencyKey,
    timeoutMs,
    signal,
    delayMs,
  }: InvokeRequest & { readonly delayMs?: number | undefined },
): Promise<InvokeResult> {
  const { id, isNew, startsAt } = await clientOf(settings).send(target, {
    body,
    idempotencyKey,
    timeoutMs,
    signal,
    delayMs,
  });
  return { invocation: id, status: "accepted", isNew, startsAt };
}

function clientOf({ ingressUrl, token }: RestateSettings): IngressClient {
  return new IngressClient({ url: requireUrl(ingressUrl, "ingress"), token });
}

function resultOf(result: InvocationResult): InvokeResult {
  if (result.kind === "success") {
    return { invocation: result.id, status: "completed", output: readOutput(result.bytes) };
  }
  const { id, code, message, errorCode, fields } = result;
  return { invocation: id, status: "failed", failure: { code, message, errorCode, fields } };
}

function readOutput(bytes: ArrayBuffer): unknown {
  if (bytes.byteLength === 0) return undefined;
  const content = new TextDecoder().decode(bytes);
  try {
    return JSON.parse(content);
  } catch {
    return content;
  }
}

function noResult(cause: unknown, { timeoutMs, idempotencyKey }: InvokeRequest): ToolError {
  return new ToolError({
    code: "no-result-in-time",
    message: `No result within ${timeoutMs / 1_000} s. The invocation goes on in Restate`,
    hint:
      idempotencyKey === undefined
        ? "Wait longer with --timeout; with --idempotency-key the same command waits for the same invocation"
        : "Run the same command again: it waits for the same invocation",
    exitCode: EXIT.remote,
    cause,
  });
}
