import type { AdminHttp } from "../admin-http.ts";
import { INVOCATION_OPERATIONS } from "./invocation-operations.ts";
import { ask, command } from "../operation.ts";

/** What can be done with an invocation. */
export const INVOCATION_ACTIONS = ["cancel", "kill", "pause", "resume", "restart", "purge", "purge-journal"] as const;
export type InvocationAction = (typeof INVOCATION_ACTIONS)[number];

/** What an action takes besides the invocation. */
export interface ActionOptions {
  /** Of `resume` and `restart`: `latest`, `keep`, or a deployment's id. */
  readonly deployment?: string | undefined;
  /**
   * Of `restart`: index of the step that is to run again (see the timeline); what is before it is kept. Absent or 1:
   * everything but the input.
   */
  readonly from?: number | undefined;
}

/** Does something with one invocation; `restart` answers the id of the new one. */
export async function sendAction(
  http: AdminHttp,
  id: string,
  action: InvocationAction,
  { deployment, from }: ActionOptions,
): Promise<string | undefined> {
  const params = [id];
  switch (action) {
    case "cancel":
    case "kill":
    case "pause":
    case "purge":
      await command(http, INVOCATION_OPERATIONS[action], { params });
      return undefined;
    case "purge-journal":
      await command(http, INVOCATION_OPERATIONS.purgeJournal, { params });
      return undefined;
    case "resume":
      await command(http, INVOCATION_OPERATIONS.resume, { params, query: { deployment } });
      return undefined;
    case "restart": {
      const query = { from: lastKept(from, deployment)?.toString(), deployment };
      return (await ask(http, INVOCATION_OPERATIONS.restartAsNew, { params, query })).newInvocationId;
    }
  }
}

/** Restate's `from` is the last entry that is kept, and it takes a deployment only together with it. */
function lastKept(from: number | undefined, deployment: string | undefined): number | undefined {
  if (from !== undefined) return Math.max(0, from - 1);
  return deployment === undefined ? undefined : 0;
}
