import { z } from "zod";
import { jsonOf, probe } from "../http/probe.ts";

/** What an app tells of itself. */
export interface AppFacts {
  readonly name: string;
  readonly version: string | undefined;
  /** Such as `deno`, `node`, `workerd`. */
  readonly runtime: string;
}

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
  const found = await probe(`${url}/health`, signal);
  if (found.kind === "unanswered") return `${url}/health: ${found.detail}`;
  const parsed = healthSchema.safeParse(jsonOf(found));
  return parsed.data ?? `${url}/health answers ${found.status}, and not as an app of this library`;
}
