import { z } from "zod";
import type { Command, Operation } from "../operation.ts";

const PATCH = "PATCH";

/** What `invocations` of the client calls. */
export const INVOCATION_OPERATIONS: {
  readonly cancel: Command;
  readonly kill: Command;
  readonly pause: Command;
  readonly resume: Command<never, "deployment">;
  readonly purge: Command;
  readonly purgeJournal: Command;
  readonly restartAsNew: Operation<{ readonly newInvocationId: string }, never, "from" | "deployment">;
} = {
  cancel: { method: PATCH, path: "/invocations/{invocation_id}/cancel" },
  kill: { method: PATCH, path: "/invocations/{invocation_id}/kill" },
  pause: { method: PATCH, path: "/invocations/{invocation_id}/pause" },
  resume: { method: PATCH, path: "/invocations/{invocation_id}/resume", query: ["deployment"] },
  purge: { method: PATCH, path: "/invocations/{invocation_id}/purge" },
  purgeJournal: { method: PATCH, path: "/invocations/{invocation_id}/purge-journal" },
  restartAsNew: {
    method: PATCH,
    path: "/invocations/{invocation_id}/restart-as-new",
    query: ["from", "deployment"],
    answer: z.object({ newInvocationId: z.string() }),
  },
};
