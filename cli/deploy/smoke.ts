/** One invocation of the new version, to see it work from end to end before anybody depends on it. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { AdminClient, Invocation, Service } from "../../src/admin/index.ts";
import { SMOKE_KEY } from "../../src/endpoint/smoke-key.ts";
import { InvocationNotFoundError } from "../../src/errors/invocation-not-found-error.ts";
import { RestateUnreachableError } from "../../src/errors/restate-unreachable-error.ts";
import type { IngressClient } from "../../src/ingress/ingress-client.ts";
import type { InvocationResult } from "../../src/ingress/result.ts";
import type { RunningStep } from "../tool/reporter.ts";
import type { SmokeTarget } from "./options.ts";

/** What is invoked, and how. */
export interface SmokeRequest {
  readonly admin: AdminClient;
  readonly ingress: IngressClient;
  readonly target: SmokeTarget;
  /** JSON */
  readonly body?: string | undefined;
  /** The deployment that it has to run on. */
  readonly deploymentId: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly running: RunningStep;
}

/** How it went. `moved`: it ran on another deployment, which is the latest now. */
export interface SmokeResult {
  readonly outcome: "passed" | "failed" | "moved";
  readonly target: string;
  readonly invocationId: string;
  /** What was wrong. */
  readonly reason?: string | undefined;
}

const EVERY_MS = 250;
const SEND_TIMEOUT_MS = 10_000;

/** The handler that the services declare; undefined when none does. */
export function declaredSmoke(services: readonly Pick<Service, "name" | "metadata">[]): SmokeTarget | undefined {
  for (const { name, metadata } of services) {
    const handler = metadata?.[SMOKE_KEY];
    if (handler !== undefined) return { service: name, handler };
  }
  return undefined;
}

/**
 * Invokes it, and waits for its result. One that fails is cancelled.
 *
 * @throws RestateUnreachableError when Restate itself cannot be asked: then nothing is known of the version.
 */
export async function smoke(request: SmokeRequest): Promise<SmokeResult> {
  const { target, admin, deploymentId } = request;
  const name = `${target.service}/${target.handler}`;
  const id = await send(request);
  try {
    const { reason, pinned } = await waitForEnd(request, id);
    if (pinned !== undefined && pinned !== deploymentId) {
      return { outcome: "moved", target: name, invocationId: id, reason: `it ran on ${pinned}` };
    }
    if (reason === undefined) return { outcome: "passed", target: name, invocationId: id };
    await cancel(admin, id);
    return { outcome: "failed", target: name, invocationId: id, reason };
  } catch (error) {
    if (request.signal.aborted) await cancel(admin, id);
    throw error;
  }
}

/** With a key: when the answer is lost, the same invocation answers the second time. */
async function send({ ingress, target, body, signal, timeoutMs }: SmokeRequest): Promise<string> {
  const idempotencyKey = `restate-edge-agents-smoke-${randomUUID()}`;
  const endsAt = performance.now() + timeoutMs;
  for (;;) {
    try {
      const sent = await ingress.send(target, { body, idempotencyKey, timeoutMs: SEND_TIMEOUT_MS });
      return sent.id;
    } catch (error) {
      if (!(error instanceof RestateUnreachableError) || performance.now() > endsAt) throw error;
      await pause(signal);
    }
  }
}

interface End {
  /** Undefined: it succeeded. */
  readonly reason?: string | undefined;
  readonly pinned?: string | undefined;
}

async function waitForEnd(request: SmokeRequest, id: string): Promise<End> {
  const { admin, ingress, timeoutMs, signal, running } = request;
  const endsAt = performance.now() + timeoutMs;
  let unreachable: RestateUnreachableError | undefined;
  let invocation: Invocation | undefined;
  for (;;) {
    signal.throwIfAborted();
    try {
      const [result, known] = await unlessAborted(signal, lookAt(ingress, admin, id));
      invocation = known;
      if (result !== undefined) return { reason: failureIn(result), pinned: invocation?.deploymentId };
      if (invocation?.status === "paused") {
        return { reason: `it was paused: ${lastFailure(invocation)}`, pinned: invocation.deploymentId };
      }
      if (invocation !== undefined) running.update(`${invocation.status} ${lastFailure(invocation)}`.trim());
      unreachable = undefined;
    } catch (error) {
      if (!(error instanceof RestateUnreachableError)) throw error;
      unreachable = error;
      running.update(error.message);
    }
    if (performance.now() > endsAt) {
      if (unreachable !== undefined) throw unreachable;
      const detail = invocation === undefined ? "" : ` (${`${invocation.status} ${lastFailure(invocation)}`.trim()})`;
      return { reason: `no result within ${timeoutMs / 1_000} s${detail}`, pinned: invocation?.deploymentId };
    }
    await pause(signal);
  }
}

/** In this order: an invocation that has a result is pinned. */
async function lookAt(
  ingress: IngressClient,
  admin: AdminClient,
  id: string,
): Promise<[InvocationResult | undefined, Invocation | undefined]> {
  const result = await outputOf(ingress, id);
  return [result, await admin.invocations.get(id)];
}

/** Ends when the signal is aborted. The clients know none; their time limits end what goes on. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** An invocation of a moment ago may not be known yet. */
async function outputOf(ingress: IngressClient, id: string): Promise<InvocationResult | undefined> {
  try {
    return await ingress.output(id);
  } catch (error) {
    if (error instanceof InvocationNotFoundError) return undefined;
    throw error;
  }
}

/** A smoke service answers `{ ok: false }` when Restate gave it back something else than it had kept. */
function failureIn(result: InvocationResult): string | undefined {
  if (result.kind === "failure") return `${result.message} (${result.code})`;
  const text = new TextDecoder().decode(result.bytes);
  return isNotOk(text) ? `it answered ${text.slice(0, 200)}` : undefined;
}

function isNotOk(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "ok" in value && value.ok === false;
  } catch {
    return false;
  }
}

function lastFailure({ lastFailure: failure }: Invocation): string {
  return failure?.message.split("\n", 1)[0] ?? "";
}

/** As far as possible: what cannot be cancelled ends by itself. */
async function cancel(admin: AdminClient, id: string): Promise<void> {
  await admin.invocations.cancel(id).catch(() => undefined);
}

async function pause(signal: AbortSignal): Promise<void> {
  await sleep(EVERY_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
}
