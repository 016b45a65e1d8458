/**
 * What the development stack does for the playground, which a Worker cannot: it outlives the Worker, so it counts the
 * requests of a run, and it kills the Worker. It listens on a loopback address, under a path that nobody guesses.
 */
import { z } from "zod";
import type { Settings } from "./settings.ts";

const TIMEOUT_MS = 2_000;

const requestsSchema = z.object({ requests: z.int().nonnegative() });

/** The development stack, as the app reaches it. */
export interface PlaygroundControl {
  /** Kills the app, soon: there is time for an answer. False: nobody did. */
  crash(): Promise<boolean>;
  /** How often Restate has called the app for an invocation; undefined when it is not known. */
  requestsOf(invocationId: string): Promise<number | undefined>;
}

/** Undefined outside of development, and where no stack said where it is. */
export function playgroundControl(settings: Settings): PlaygroundControl | undefined {
  const { ENVIRONMENT, PLAYGROUND_CONTROL_URL: url } = settings;
  if (ENVIRONMENT !== "development" || url === undefined) return undefined;
  const call = async (method: string, path: string): Promise<unknown> => {
    const response = await fetch(`${url}/${path}`, { method, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const body: unknown = await response.json();
    return response.ok ? body : undefined;
  };
  return {
    crash: async () => (await call("POST", "crash").catch(() => undefined)) !== undefined,
    requestsOf: async (invocationId) => {
      const answer = await call("GET", `requests/${encodeURIComponent(invocationId)}`).catch(() => undefined);
      const parsed = requestsSchema.safeParse(answer);
      return parsed.success ? parsed.data.requests : undefined;
    },
  };
}
