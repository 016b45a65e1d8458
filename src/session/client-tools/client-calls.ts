/**
 * The turn's side of tools that the client executes: a call is opened at the call object, told to those who watch, and the
 * turn sleeps until an output is there, for as long as it takes.
 *
 * - E1 The object decides. The turn goes on with the output that was first there; its own timer only asks whether there is
 *   one (G2).
 * - E2 Open, then told. Whoever hears of a call can bring its output. And nobody hears of it before the model step is
 *   durable that has made it (G4): until then readers see a call whose input is on its way.
 * - E3 Not for nothing. Who stops waiting (cancelled, out of time) closes the call.
 */
import { asSchema, type Tool, type ToolSet } from "ai";
import { ApprovalScope } from "../../approvals/approval-scope.ts";
import { ClientToolError } from "../../errors/client-tool-error.ts";
import { readMessage } from "../../errors/read-error.ts";
import { ToolTimeoutError } from "../../errors/tool-timeout-error.ts";
import { type Place, requirePlace } from "../../journal/ambient.ts";
import { type Context, TerminalError, TimeoutError } from "../../restate.ts";
import type { ClientCallEvent, ToolErrorEvent, ToolResultEvent } from "../../stream/run-sink.ts";
import { clientTool, isForClient } from "../../tools/client-tool.ts";
import { jsonSerde } from "../json-serde.ts";
import type { CallHandlers, ClientOutput, OpenCall } from "./call-object.ts";

/** Whose calls they are. */
export interface ClientCallsInit {
  /** Name of the call object. */
  readonly object: string;
  readonly key: string;
  readonly turn: string;
  /** Longest wait for an output, in milliseconds. */
  readonly timeoutMs: number;
}

/** The tools of a turn; those that the client executes ask it. */
export function withClientCalls(init: ClientCallsInit, tools: ToolSet): ToolSet {
  const entries = Object.entries(tools).map(([name, tool]) => [
    name,
    isForClient(tool as Tool)
      ? clientTool(tool as Tool, (input, { toolCallId }) =>
          new ClientCall(init, { tool: tool as Tool, toolName: name, toolCallId, input }).run(),
        )
      : tool,
  ]);
  return Object.fromEntries(entries) as ToolSet;
}

interface Asked {
  readonly tool: Tool;
  readonly toolName: string;
  readonly toolCallId: string;
  readonly input: unknown;
}

/** One call. */
class ClientCall {
  readonly #init: ClientCallsInit;
  readonly #asked: Asked;
  readonly #place: Place;
  readonly #scope: ApprovalScope | undefined;
  readonly #awakeable: ReturnType<typeof awakeableOf>;

  constructor(init: ClientCallsInit, asked: Asked) {
    this.#init = init;
    this.#asked = asked;
    this.#place = requirePlace(`The tool ${asked.toolName}`);
    this.#scope = ApprovalScope.of(this.#place.fiber);
    this.#awakeable = awakeableOf(this.#place.invocation.context);
  }

  /** @throws TerminalError: what the model is told instead of an output. */
  async run(): Promise<unknown> {
    const { turn } = this.#init;
    const { toolCallId, toolName, input } = this.#asked;
    try {
      await this.#call("open", { turn, toolCallId, awakeable: this.#awakeable.id } satisfies OpenCall);
      const event: ClientCallEvent = { type: "client-call", toolCallId, toolName, input };
      await this.#step("client-call", async () => void (await this.#scope?.sink?.live(event)));
      this.#scope?.sink?.settled(event);
      const said = await this.#said();
      await this.#step("client-result", () => this.#check(said));
      if (said !== undefined && "output" in said) return said.output;
      throw new ClientToolError(toolName, "it has no output");
    } catch (error) {
      // An attempt that fails says nothing about the call: the next one goes on waiting.
      if (error instanceof TerminalError && this.#place.fiber.dead === undefined) this.#close();
      throw error;
    }
  }

  /** E1. Undefined: the time is over. */
  async #said(): Promise<ClientOutput | undefined> {
    const { promise } = this.#awakeable;
    try {
      return await promise.orTimeout(this.#init.timeoutMs);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      // Somebody was first: then it is there.
      return (await this.#call("close", { awakeable: this.#awakeable.id })) === true ? undefined : promise;
    }
  }

  /**
   * Inside a step: tells those who watch what became of the call. The output itself is in the journal already.
   *
   * @throws TerminalError when it cannot be used.
   */
  async #check(said: ClientOutput | undefined): Promise<undefined> {
    const { toolCallId, toolName } = this.#asked;
    const error = await this.#problemOf(said);
    const event: ToolErrorEvent | ToolResultEvent =
      error === undefined && said !== undefined && "output" in said
        ? { type: "tool-result", toolCallId, toolName, output: said.output }
        : { type: "tool-error", toolCallId, toolName, error };
    await this.#scope?.sink?.live(event);
    if (error !== undefined) throw error;
    return undefined;
  }

  async #problemOf(said: ClientOutput | undefined): Promise<TerminalError | undefined> {
    const { tool, toolName } = this.#asked;
    if (said === undefined) return new ToolTimeoutError(toolName, this.#init.timeoutMs);
    if ("errorText" in said) return new ClientToolError(toolName, said.errorText);
    if (tool.outputSchema === undefined) return undefined;
    const checked = await asSchema<unknown>(tool.outputSchema).validate?.(said.output);
    if (checked === undefined || checked.success) return undefined;
    return new ClientToolError(toolName, `its output does not fit its schema: ${readMessage(checked.error)}`);
  }

  async #step(kind: "client-call" | "client-result", action: () => Promise<undefined>): Promise<void> {
    const { toolName: tool, toolCallId } = this.#asked;
    await this.#scope?.step(this.#place, { kind, tool, toolCallId }, action);
  }

  /** E3: one way, as who is cancelled must not wait. */
  #close(): void {
    this.#place.invocation.context.genericSend(this.#target("close", { awakeable: this.#awakeable.id }));
  }

  #call(method: keyof CallHandlers, parameter: unknown): PromiseLike<unknown> {
    const target = { ...this.#target(method, parameter), outputSerde: jsonSerde };
    return this.#place.invocation.context.genericCall<unknown, unknown>(target);
  }

  #target(method: keyof CallHandlers, parameter: unknown) {
    const { object: service, key } = this.#init;
    return { service, key, method, parameter, inputSerde: jsonSerde };
  }
}

function awakeableOf(context: Context): ReturnType<typeof context.awakeable<ClientOutput>> {
  return context.awakeable<ClientOutput>();
}
