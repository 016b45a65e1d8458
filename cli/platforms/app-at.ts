import { z } from "zod";
import { reasonOf } from "../deployments/version-health.ts";

/** What an app tells of itself. */
export interface AppFacts {
  readonly name: string;
  readonly version: string | undefined;
  /** Such as `deno`, `node`, `workerd`. */
  readonly runtime: string;
}

const TIMEOUT_MS = 10_000;

const healthSchema = z.object({
  status: z.literal("ok"),
  name: z.string(),
  version: z
    .string()
    .nullable()
    .transform((version) => version ?? undefined),
  runtime: z.string(),
});

/** The app at an address, or why there is none. It never throws, but for `signal`. */
export async function appAt(url: string, signal: AbortSignal): Promise<AppFacts | string> {
  try {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`${url}/health`, { signal: AbortSignal.any([signal, timeout]) });
    const parsed = healthSchema.safeParse(await response.json().catch(() => undefined));
    return parsed.data ?? `${url}/health answers ${response.status}, and not as an app of this library`;
  } catch (error) {
    signal.throwIfAborted();
    return `${url}/health: ${reasonOf(error, TIMEOUT_MS)}`;
  }
}
