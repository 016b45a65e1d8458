import type { StreamTextTransform, ToolSet } from "ai";
import type { AgentRun } from "./agent-run.ts";
import { withUsage } from "./usage-ledger.ts";

/**
 * The last transform of a durable stream. The AI SDK ends the stream of a cancelled or failed run normally, so that
 * a handler which only reads the text would return half an answer as a success. Here such a stream fails (G5, G6). Who
 * reads it hears of a failure when everything is undone: the handler may end then.
 */
export function streamGuard<TOOLS extends ToolSet>(
  run: AgentRun,
  onEnd: (failure?: { readonly error: unknown }) => void,
): StreamTextTransform<TOOLS> {
  return () => {
    let failure: { readonly error: unknown } | undefined;
    return new TransformStream({
      async transform(part, controller) {
        if (part.type !== "error") return controller.enqueue(withUsage(part, run.usage));
        const error = await run.rollback.undo(run.failure?.error ?? part.error);
        failure ??= { error };
        controller.enqueue({ ...part, error });
      },
      async flush(controller) {
        try {
          await run.lastGate();
        } catch (error) {
          failure = { error: await run.rollback.undo(error) };
        }
        onEnd(failure);
        if (failure !== undefined) controller.error(failure.error);
      },
    });
  };
}

/** As the run's signal, but aborted only when everything is undone: the AI SDK then rejects what the handler awaits. */
export function signalAfterUndo({ signal, rollback }: AgentRun): AbortSignal {
  const undone = new AbortController();
  const onAbort = async (): Promise<void> => undone.abort(await rollback.undo(signal.reason));
  signal.addEventListener("abort", () => void onAbort(), { once: true });
  return undone.signal;
}
