/** A turn of an agent on the in-memory fake, written to a store. */
import type { ToolSet, UIMessage } from "ai";
import { RestateAgent, restateContext, withRestateContext } from "../../../src/index.ts";
import type { RestateAgentOptions } from "../../../src/agent/agent-options.ts";
import { EXTRAS } from "../../../src/agent/run-extras.ts";
import { CancelledError } from "../../../src/restate.ts";
import type { StreamStore } from "../../../src/stream/stream-store.ts";
import { streamWriter, type StreamWriter, type StreamWriterInit } from "../../../src/stream/stream-writer.ts";
import type { TurnEnd } from "../../../src/stream/turn-end.ts";
import { type FakeOptions, type FakeResult, runFake, type ScriptedModel } from "../../../src/testing/in-memory.ts";

/** What a turn is made of. */
export interface TurnInit {
  readonly model: () => ScriptedModel | Pick<ScriptedModel, keyof ScriptedModel>;
  readonly tools?: ToolSet;
  readonly options?: RestateAgentOptions;
  readonly store: StreamStore | undefined;
  readonly writer?: Partial<StreamWriterInit>;
  readonly fake?: FakeOptions;
  /** Settings of the agent besides. */
  readonly settings?: object;
  /** Called with each attempt's writer. */
  readonly onWriter?: (writer: StreamWriter) => void;
  /** Parameters of `generate()` besides. */
  readonly parameters?: object;
}

export const STREAM = "Support/key/turn";

/** What a turn answered. */
export interface TurnResult {
  readonly message: UIMessage;
  readonly end: TurnEnd;
  readonly text: string | undefined;
}

/** Runs one turn to its end; a turn that fails or is cancelled is ended so, and the failure is the result's `end`. */
export async function runTurn(init: TurnInit): Promise<FakeResult<TurnResult>> {
  const agent = new RestateAgent(
    { id: "a", model: init.model(), ...init.settings, ...(init.tools === undefined ? {} : { tools: init.tools }) },
    init.options,
  );
  const handler = async (): Promise<TurnResult> => {
    const writer = streamWriter({
      store: init.store,
      stream: STREAM,
      messageId: "answer",
      batchMs: 1,
      waitMs: 200,
      ...init.writer,
    });
    init.onWriter?.(writer);
    let end: TurnEnd;
    let text: string | undefined;
    try {
      const result = await agent.generate({ prompt: "go", ...init.parameters, [EXTRAS]: { sink: writer } } as never);
      const { finishReason } = result;
      text = result.text;
      end = { outcome: finishReason === "interrupted" ? "interrupted" : "completed", finishReason };
    } catch (error) {
      if (!(error instanceof Error) || !("code" in error)) throw error;
      end = { outcome: error instanceof CancelledError ? "cancelled" : "failed", error };
    }
    const message = await writer.message(end);
    const finish = (name: string) => restateContext().run(name, () => writer.finish(end).then(() => null));
    await finish("end").catch((error: unknown) => {
      if (!(error instanceof CancelledError)) throw error;
      return finish("end, cancelled");
    });
    return { message, end, text };
  };
  return runFake((context) => withRestateContext(context, handler), init.fake);
}
