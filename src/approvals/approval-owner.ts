/** Whose a run is, as far as it is known: of a caller whom the app's `auth` names. */
import type { Place } from "../journal/ambient.ts";
import { callerOfInvocation, callerOfKey } from "../journal/caller-header.ts";
import { ApprovalScope } from "./approval-scope.ts";

/** The hash of the caller: the invocation's, or of the conversation that the run is a turn of. */
export function ownerOf({ invocation, fiber }: Place): string | undefined {
  return callerOfInvocation(invocation.sdkContext) ?? callerOfKey(ApprovalScope.of(fiber)?.approvals.session?.key);
}
