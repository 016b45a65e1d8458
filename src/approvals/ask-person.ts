/**
 * Asks a person, and waits durably: the question is opened at the approval object, and the run sleeps until the object has
 * recorded what holds.
 *
 * - A1 The object decides. The run goes on with what is recorded there; its own timer only asks the object to decide (G2).
 * - A2 Open, then told. Whoever hears of a question can answer it.
 * - A3 Not for nothing. Who stops waiting (cancelled, out of time) closes the question.
 */
import type { Place } from "../journal/ambient.ts";
import { type Context, type GenericCall, serde, type Serde, TerminalError, TimeoutError } from "../restate.ts";
import type { ApprovalRequestEvent, ToolEvent } from "../stream/run-sink.ts";
import type { ApprovalHandlers } from "./approval-object.ts";
import { approvalId, shardOf } from "./approval-id.ts";
import { MAX_INPUT, shownInput } from "./approval-input.ts";
import type { OpenRequest } from "./approval-handlers.ts";
import { ownerOf } from "./approval-owner.ts";
import type { ApprovalScope } from "./approval-scope.ts";
import type { Approval, ApprovalDecision, Approvals } from "./approvals.ts";
import { durationMs } from "../journal/duration.ts";

/** What a person is asked. */
export interface Question {
  readonly kind: Approval["kind"];
  readonly tool: string;
  readonly toolCallId: string;
  readonly input: unknown;
  readonly reason?: string | undefined;
  /** Before those of the scope. */
  readonly timeout?: Approvals["timeout"];
  readonly onTimeout?: Approvals["onTimeout"];
}

const json: Serde<unknown> = serde.json as Serde<unknown>;

/**
 * @param eventsOf What else is told when a decision is there.
 * @throws CancelledError and other terminal errors of the run; the question is closed then.
 */
export async function askPerson(
  scope: ApprovalScope,
  place: Place,
  question: Question,
  eventsOf: (decision: ApprovalDecision) => readonly ToolEvent[] = () => [],
): Promise<ApprovalDecision> {
  const asking = new Asking(scope, place, question);
  try {
    await asking.open();
    const decision = await asking.answer();
    await asking.tellDecision(decision, eventsOf(decision));
    return decision;
  } catch (error) {
    // An attempt that fails says nothing about the question: the next one goes on waiting.
    if (error instanceof TerminalError && place.fiber.dead === undefined) asking.close();
    throw error;
  }
}

class Asking {
  readonly #scope: ApprovalScope;
  readonly #place: Place;
  readonly #question: Question;
  readonly #id: string;
  readonly #awakeable: ReturnType<typeof awakeableOf>;
  readonly #timeoutMs: number | undefined;

  constructor(scope: ApprovalScope, place: Place, question: Question) {
    const { context } = place.invocation;
    const { object, session, timeout } = scope.approvals;
    const limit = question.timeout ?? timeout;
    this.#scope = scope;
    this.#place = place;
    this.#question = question;
    this.#id = approvalId(object.name, context.rand.uuidv4(), session?.key);
    this.#awakeable = awakeableOf(context);
    this.#timeoutMs = limit === undefined ? undefined : durationMs(limit);
  }

  async open(): Promise<void> {
    const { kind, tool, toolCallId, input, reason } = this.#question;
    const { session } = this.#scope.approvals;
    const request: OpenRequest = {
      id: this.#id,
      kind,
      agent: this.#scope.agent,
      session,
      owner: ownerOf(this.#place),
      invocationId: this.#place.invocation.sdkContext.request().id,
      tool,
      toolCallId,
      ...shownInput(input, MAX_INPUT),
      reason,
      timeoutMs: this.#timeoutMs,
      awakeable: this.#awakeable.id,
    };
    const approval = (await this.#call("open", request)) as Approval;
    await this.#tellRequest(approval);
  }

  /** A1: the awakeable brings what is recorded; when it is late, the object says what holds. */
  async answer(): Promise<ApprovalDecision> {
    const { promise } = this.#awakeable;
    if (this.#timeoutMs === undefined) return promise;
    try {
      return await promise.orTimeout(this.#timeoutMs);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      const onTimeout = this.#question.onTimeout ?? this.#scope.approvals.onTimeout ?? "deny";
      return (await this.#call("expire", { id: this.#id, approved: onTimeout === "approve" })) as ApprovalDecision;
    }
  }

  async tellDecision({ approved, reason }: ApprovalDecision, more: readonly ToolEvent[]): Promise<void> {
    const { toolCallId } = this.#question;
    const response: ToolEvent = { type: "approval-response", approvalId: this.#id, toolCallId, approved, reason };
    await this.#tell("decision", [response, ...more]);
  }

  /** A3: one way, as who is cancelled must not wait. */
  close(): void {
    this.#place.invocation.context.genericSend(this.#target("close", { id: this.#id }));
  }

  /** A2 */
  async #tellRequest(approval: Approval): Promise<void> {
    const { tool, toolCallId, reason } = this.#question;
    const request: ApprovalRequestEvent = {
      type: "approval-request",
      approvalId: this.#id,
      toolCallId,
      toolName: tool,
      reason,
    };
    const { notify } = this.#scope.approvals;
    await this.#tell("approval", [request], notify === undefined ? undefined : () => notify(approval));
  }

  /** Tells who watches: live, from inside a step, and then that it is settled. Without anybody there is no step. */
  async #tell(
    kind: "approval" | "decision",
    events: readonly ToolEvent[],
    notify?: () => void | PromiseLike<void>,
  ): Promise<void> {
    const { sink } = this.#scope;
    const { tool, toolCallId } = this.#question;
    if (sink === undefined && notify === undefined) return;
    await this.#scope.step(this.#place, { kind, tool, toolCallId }, async () => {
      for (const event of events) await sink?.live(event);
      await notify?.();
    });
    for (const event of events) sink?.settled(event);
  }

  #call(method: keyof ApprovalHandlers, parameter: unknown): PromiseLike<unknown> {
    const call = { ...this.#target(method, parameter), outputSerde: json };
    return this.#place.invocation.context.genericCall<unknown, unknown>(call);
  }

  #target(method: keyof ApprovalHandlers, parameter: unknown): GenericCall<unknown, unknown> {
    const service = this.#scope.approvals.object.name;
    return { service, key: shardOf(this.#id) ?? "0", method, parameter, inputSerde: json };
  }
}

function awakeableOf(context: Context): ReturnType<typeof context.awakeable<ApprovalDecision>> {
  return context.awakeable<ApprovalDecision>();
}
