import { z } from "zod";
import type { Command } from "../operation.ts";

/** A virtual object's new state. */
export interface StateReplacement {
  readonly objectKey: string;
  /** All of it: bytes by key. */
  readonly newState: Readonly<Record<string, readonly number[]>>;
  /** Refuses when the state has another version. */
  readonly version?: string | undefined;
  /** Servers with scoped virtual objects. */
  readonly scope?: string | undefined;
}

const stateReplacementSchema: z.ZodType<StateReplacement> = z.strictObject({
  objectKey: z.string(),
  newState: z.record(z.string(), z.int().min(0).max(255).array()),
  version: z.string().optional(),
  scope: z.string().optional(),
});

/** What `state` of the client calls. */
export const STATE_OPERATIONS: { readonly replace: Command<StateReplacement> } = {
  replace: { method: "POST", path: "/services/{service}/state", body: stateReplacementSchema },
};
