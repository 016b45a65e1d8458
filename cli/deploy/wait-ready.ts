/** Waits until a version answers, as that version, and finds everything that it needs. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type VersionHealth, versionHealth } from "../deployments/version-health.ts";
import { EXIT } from "../tool/exit-codes.ts";
import type { RunningStep } from "../tool/reporter.ts";
import { ToolError } from "../tool/tool-error.ts";

/** What `GET /ready` answers. */
export interface Readiness {
  readonly checks: readonly { readonly name: string; readonly status: string; readonly detail: string }[];
}

/** A version that is waited for. */
export interface ReadyRequest {
  /** Where it answers. */
  readonly url: string;
  readonly version: string;
  /** Longest wait, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly running: RunningStep;
}

const EVERY_MS = 500;
const LONGEST_ANSWER_MS = 10_000;

/** Not registered yet: that comes next. */
const NOT_YET = "registered";
/** What these checks find is in the version's settings, which never change. */
const SETTLED: ReadonlySet<string> = new Set(["identity-keys", "api-keys"]);

const readySchema = z.object({
  checks: z.array(z.object({ name: z.string(), status: z.string(), detail: z.string() })),
});

/** @throws ToolError `version-not-ready` with what was wrong last. */
export async function waitUntilReady(request: ReadyRequest): Promise<Readiness> {
  const { url, version, timeoutMs, signal, running } = request;
  const endsAt = performance.now() + timeoutMs;
  for (;;) {
    const { readiness, wrong, final } = await look(request);
    if (readiness !== undefined && wrong === undefined) return readiness;
    const reason = wrong ?? "no answer";
    if (final || performance.now() >= endsAt) throw notReady({ url, version, reason, timeoutMs, final });
    running.update(reason);
    await sleep(EVERY_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

interface Look {
  readonly readiness?: Readiness | undefined;
  /** Undefined: all is right. */
  readonly wrong?: string | undefined;
  /** It will not become right by itself. */
  readonly final: boolean;
}

async function look({ url, version, signal }: ReadyRequest): Promise<Look> {
  const health = await versionHealth(url, { expected: version, signal });
  if (health.state !== "ok") return { wrong: `${url}: ${health.detail ?? health.state}`, final: isFinal(health) };
  const readiness = await readinessAt(url, signal);
  if (readiness === undefined) return { wrong: `${url}/ready does not answer as an app of this library`, final: false };
  const failed = failedChecks(readiness);
  if (failed.length === 0) return { readiness, final: false };
  const wrong = failed.map(({ name, detail }) => `${name}: ${detail}`).join("; ");
  return { readiness, wrong, final: failed.some(({ name }) => SETTLED.has(name)) };
}

/** What stands in the way of registration. */
export function failedChecks({ checks }: Readiness): Readiness["checks"] {
  return checks.filter(({ name, status }) => status === "fail" && name !== NOT_YET);
}

function isFinal({ state }: VersionHealth): boolean {
  return state === "unversioned";
}

async function readinessAt(url: string, signal: AbortSignal): Promise<Readiness | undefined> {
  try {
    const response = await fetch(`${url}/ready`, {
      headers: { accept: "application/json" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(LONGEST_ANSWER_MS)]),
    });
    return readySchema.safeParse(await response.json()).data;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

interface NotReady {
  readonly url: string;
  readonly version: string;
  readonly reason: string;
  readonly timeoutMs: number;
  readonly final: boolean;
}

function notReady({ url, version, reason, timeoutMs, final }: NotReady): ToolError {
  const waited = final ? "" : ` within ${timeoutMs / 1_000} s`;
  return new ToolError({
    code: "version-not-ready",
    message: `Version ${version} is not ready${waited}: ${reason}`,
    hint: final
      ? "Mend its settings and run this again; Restate does not know the version, and nobody is sent to it"
      : "Run this again to go on waiting, with --again when a setting or a secret was wrong; Restate does not know the version, and nobody is sent to it",
    exitCode: EXIT.remote,
    details: { version, url, reason },
  });
}
