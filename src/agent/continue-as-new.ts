/**
 * Long runs as a chain of invocations. When an invocation has done enough it hands the conversation to a new one of
 * the same service and waits for its answer: a tail call of the handler `continue`, which only services can call. So
 * each journal is bounded however long the run, and each step costs what it cost at the start.
 *
 * Why a call, and not something else:
 *
 * - Restate already carries answers, failures and cancellations along calls: the caller gets the final answer, the
 *   error of the last segment with its code, and cancelling the first invocation cancels the one that runs.
 * - The price: segments that wait stay in Restate until the run ends, suspended, and each is replayed once more when the
 *   answer passes through it. That is one request of bounded size per segment.
 * - Sending one-way, with an awakeable for the answer, would let segments end early, but a cancellation would not
 *   reach the running one, and a segment that is killed would leave its caller waiting for ever.
 * - A loop in the first invocation that calls one segment after the other would pass every conversation through its own
 *   journal, twice: that is the growth which this is for.
 *
 * A new invocation starts on the newest deployment, so a long run moves to new code between segments, and what is
 * handed over (continue-as-new-state.ts) is a contract between versions.
 *
 * What is handed over comes out of a journaled step, `<agent> continue`: a replay must make the very same call, also
 * when a tool that is not a step (`wrap: false`) answers differently then (G2).
 */
import type { LanguageModelUsage, ModelMessage } from "ai";
import { DefinitionError } from "../errors/definition-error.ts";
import { requirePlace } from "../journal/ambient.ts";
import { callerHeaders, callerOfInvocation } from "../journal/caller-header.ts";
import { stepHostAt } from "../journal/step.ts";
import { continueStepName } from "../journal/step-names.ts";
import type { StepScope } from "../journal/step-host.ts";
import { type Context, type Serde, serde } from "../restate.ts";
import { withRollback } from "../tools/rollback/with-rollback.ts";
import { conversationProblem } from "./compaction.ts";
import { keepMark, type Marker } from "./conversation-mark.ts";
import { type Handover, Segment, type SegmentBounds } from "./continue-as-new-segment.ts";
import { decodeContinuation, encodeContinuation } from "./continue-as-new-state.ts";
import { NO_STEPS, stepCount, totalUsage } from "./continue-as-new-steps.ts";
import { type Delegation, delegatedHeaders } from "./delegation.ts";
import { nextSegment } from "./next-segment.ts";

/** Name of the handler that the next segment runs in. */
export const CONTINUE = "continue";

/** When a run goes on in a new invocation, and with what. */
export interface ContinueAsNewOptions {
  /** Model steps after which a run that is not finished continues in a new invocation. Default 50. */
  readonly steps?: number;
  /** The same for the growth of the invocation's journal, in bytes. Default 1 MiB. */
  readonly bytes?: number;
  /**
   * Shortens the conversation for the next segment. Without it the conversation is handed over whole, and grows as
   * the model's context does. It runs in the journaled step `<agent> continue`: it may do I/O, such as calling a model
   * with `generateText`, and is retried like a tool; its result is stored; `RestateAgent` and `restateContext()`
   * cannot be used in it. A summary belongs into a user message: the AI SDK refuses system messages there. Ready-made:
   * `keepLastMessages`, `dropOldToolResults`.
   *
   * The run fails with `DefinitionError` when it returns something that no model can go on with.
   */
  readonly compact?: (messages: ModelMessage[], info: CompactInfo) => ModelMessage[] | PromiseLike<ModelMessage[]>;
}

/** What `compact` is told about the run. */
export interface CompactInfo {
  /** Aborted when the invocation is cancelled or this attempt ends. Hand it to `generateText`. */
  readonly signal: AbortSignal;
  /** Number of the segment that ends; the first is 1. */
  readonly segment: number;
  /** Model steps of the whole run so far. */
  readonly steps: number;
  /** Their usage. */
  readonly usage: LanguageModelUsage;
}

/** What a chain of segments needs to know of its service. */
export interface ChainOptions {
  readonly service: string;
  /** Name of the agent in step names. */
  readonly agent: string;
  /** True when the agent's `prepareCall` has to see the original prompt again, in each segment. */
  readonly keepsPrompt: boolean;
  readonly options: ContinueAsNewOptions;
  /** What `compact` must not make the agent forget. */
  readonly marker: Marker | undefined;
  /** Runs the agent as one segment; its answer. */
  readonly generate: (parameters: object, call: Delegation, segment: Segment) => Promise<unknown>;
}

/** Answers as the ingress gives them. */
const answerSerde: Serde<unknown> = serde.json as Serde<unknown>;

/** What is handed over is stored as it was encoded in the step. */
const continuationSerde: Serde<Uint8Array> = {
  contentType: "application/json",
  serialize: (bytes) => bytes,
  deserialize: (bytes) => bytes,
};

/** Options of the handler `continue`. */
export const CONTINUE_HANDLER_OPTIONS: {
  readonly ingressPrivate: true;
  readonly input: Serde<Uint8Array>;
  readonly output: Serde<unknown>;
} = { ingressPrivate: true, input: continuationSerde, output: answerSerde };

/** One of them. */
interface OwnSegment {
  readonly number: number;
  readonly call: Delegation;
}

/** Runs an agent in segments. */
export class SegmentChain {
  readonly #chain: ChainOptions;
  readonly #bounds: SegmentBounds;

  /** @throws DefinitionError when the options are wrong. */
  constructor(chain: ChainOptions) {
    this.#chain = chain;
    const { steps = 50, bytes = 1_048_576, compact } = chain.options;
    for (const [name, value] of Object.entries({ steps, bytes })) {
      if (!Number.isSafeInteger(value) || value < 1) {
        throw this.#definitionError(`continueAsNew.${name} must be a positive integer: current value is ${value}`);
      }
    }
    if (compact !== undefined && typeof compact !== "function") {
      throw this.#definitionError("continueAsNew.compact must be a function");
    }
    this.#bounds = { steps, bytes };
  }

  /** The first segment; `parameters` are those of `generate()`. */
  start(context: Context, parameters: object, call: Delegation): Promise<unknown> {
    const segment = new Segment(this.#bounds, { earlier: NO_STEPS, overrides: {} });
    return withRollback(() => this.#run(context, parameters, segment, { number: 1, call }));
  }

  /**
   * A later segment.
   *
   * @throws InvalidInputError (400) when `bytes` is not what a segment has handed over.
   */
  resume(context: Context, bytes: Uint8Array, call: Delegation): Promise<unknown> {
    const { segment: number, parameters, ...start } = decodeContinuation(this.#chain.service, bytes);
    const own = this.#chain.keepsPrompt ? parameters : { ...parameters, messages: start.messages };
    const segment = new Segment(this.#bounds, start);
    return withRollback(() => this.#run(context, own, segment, { number, call }));
  }

  async #run(context: Context, parameters: object, segment: Segment, own: OwnSegment): Promise<unknown> {
    const { service, generate } = this.#chain;
    const answer = await generate(parameters, own.call, segment);
    const { handover } = segment;
    if (handover === undefined) return answer;
    const parameter = await this.#handOver(parameters, handover, own.number);
    const headers = { ...delegatedHeaders(context), ...callerHeaders(callerOfInvocation(context)) };
    const serdes = { inputSerde: continuationSerde, outputSerde: answerSerde };
    return await nextSegment(() =>
      context.genericCall<Uint8Array, unknown>({ service, method: CONTINUE, parameter, ...serdes, headers }),
    );
  }

  /** The input of the next segment. */
  async #handOver(parameters: object, handover: Handover, number: number): Promise<Uint8Array> {
    const place = requirePlace("continueAsNew");
    const compacted = async ({ signal }: StepScope): Promise<Uint8Array> => {
      const messages = await this.#compact(handover, signal, number);
      const kept = this.#parametersToKeep(parameters);
      return encodeContinuation({ ...handover, messages, segment: number + 1, parameters: kept });
    };
    const bytes = { contentType: "application/json", encode: asIs, decode: asIs };
    return await stepHostAt(place).step(continueStepName(this.#chain.agent), compacted, bytes);
  }

  async #compact({ messages, earlier }: Handover, signal: AbortSignal, segment: number): Promise<ModelMessage[]> {
    const { compact } = this.#chain.options;
    if (compact === undefined) return messages;
    const info: CompactInfo = { signal, segment, steps: stepCount(earlier), usage: totalUsage(earlier) };
    const compacted = await compact([...messages], info);
    const problem = conversationProblem(compacted);
    if (problem !== undefined) {
      throw new DefinitionError(
        `Cannot continue ${this.#chain.service} in a new invocation: continueAsNew.compact returned something that no model can go on with: ${problem}`,
      );
    }
    return keepMark(this.#chain.marker, messages, compacted);
  }

  /** The prompt is part of the conversation: only `prepareCall` needs it once more. */
  #parametersToKeep(parameters: { readonly options?: unknown }): object {
    if (this.#chain.keepsPrompt) return parameters;
    return parameters.options === undefined ? {} : { options: parameters.options };
  }

  #definitionError(problem: string): DefinitionError {
    return new DefinitionError(`Cannot define service "${this.#chain.service}": ${problem}`);
  }
}

function asIs(bytes: Uint8Array): Uint8Array {
  return bytes;
}
