import type { StreamTextTransform, ToolSet } from "ai";
import type { AgentRun } from "./agent-run.ts";
import { withUsage } from "./usage-ledger.ts";

/**
 * The last transform of a durable stream. The AI SDK ends the stream of a cancelled or failed run normally, so that
 * a handler which only reads the text would return half an answer as a success. Here such a stream fails (G5, G6).
 */
export function streamGuard<TOOLS extends ToolSet>(
  run: AgentRun,
  onEnd: (failure?: { readonly error: unknown }) => void,
): StreamTextTransform<TOOLS> {
  return () => {
    let failure: { readonly error: unknown } | undefined;
    return new TransformStream({
      transform(part, controller) {
        if (part.type === "error") failure ??= { error: part.error };
        controller.enqueue(withUsage(part, run.usage));
      },
      async flush(controller) {
        try {
          await run.lastGate();
        } catch (error) {
          failure = { error };
        }
        if (failure !== undefined) failure = { error: await run.rollback.undo(failure.error) };
        onEnd(failure);
        if (failure !== undefined) controller.error(failure.error);
      },
    });
  };
}
