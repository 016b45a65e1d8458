/**
 * The gate before the tools of a run with `approvals`. Each call waits for its own answer, in the fiber of its tool: others
 * go on, and run as soon as they may, in any order.
 *
 * Tools without `execute` (client tools, tools of the provider) are not for this gate: the AI SDK's own protocol holds for
 * them, so their part of `toolApproval` is left to it.
 */
import type { Tool, ToolExecutionOptions, ToolSet } from "ai";
import type { Place } from "../journal/ambient.ts";
import type { ToolEvent } from "../stream/run-sink.ts";
import type { ApprovalScope } from "./approval-scope.ts";
import type { ApprovalDecision } from "./approvals.ts";
import { askPerson } from "./ask-person.ts";
import { type Denial, denial, withDenials } from "./denial.ts";
import {
  isFunction,
  type PolicyCall,
  policyOf,
  type PolicySettings,
  type PolicyStatus,
  statusOf,
} from "./tool-policy.ts";

type Settings = Readonly<Record<string, unknown>>;

/** What a tool is called with. */
export interface GatedCall {
  readonly toolName: string;
  readonly input: unknown;
  readonly options: ToolExecutionOptions<never>;
}

/** The gate of one run. */
export class ToolGate {
  readonly #scope: ApprovalScope;
  readonly #tools: ToolSet;
  readonly #toolApproval: unknown;
  #toolsContext: unknown;
  #runtimeContext: unknown;

  constructor(scope: ApprovalScope, settings: Settings) {
    this.#scope = scope;
    this.#tools = (settings["tools"] ?? {}) as ToolSet;
    this.#toolApproval = settings["toolApproval"];
    this.#toolsContext = settings["toolsContext"] ?? {};
    this.#runtimeContext = settings["runtimeContext"] ?? {};
  }

  /** Called with what `prepareStep` returned: it may change what the functions are given. */
  onStep({ toolsContext, runtimeContext }: Settings): void {
    this.#toolsContext = toolsContext ?? this.#toolsContext;
    this.#runtimeContext = runtimeContext ?? this.#runtimeContext;
  }

  /** The tool as the AI SDK gets it: it would end the run where this gate waits. */
  prepare(tool: Tool): Tool {
    return tool.execute === undefined ? tool : withDenials(tool);
  }

  /** What is left of `toolApproval` for the AI SDK. */
  get remaining(): unknown {
    const own = this.#toolApproval;
    if (isFunction(own)) {
      return (call: { readonly toolCall: { readonly toolName: string } }): unknown =>
        this.#isGated(call.toolCall.toolName) ? undefined : own(call);
    }
    if (typeof own !== "object" || own === null) return own;
    return Object.fromEntries(Object.entries(own).filter(([name]) => !this.#isGated(name)));
  }

  /** Waits until the tool may run: undefined, or must not: what stands in for its result. */
  async admit({ toolName, input, options }: GatedCall, place: Place): Promise<Denial | undefined> {
    const { toolCallId, messages, context } = options;
    const call: PolicyCall = { toolName, toolCallId, input, messages, context };
    const { type, reason } = await this.#status(call, place);
    switch (type) {
      case "not-applicable":
      case "approved":
        return undefined;
      case "denied":
        return this.#refuseAlone(place, call, reason);
      case "user-approval": {
        const denied = (decision: ApprovalDecision): readonly ToolEvent[] =>
          decision.approved ? [] : [{ type: "tool-denied", toolCallId, toolName, reason: decision.reason }];
        const question = { kind: "approval", tool: toolName, toolCallId, input, reason } as const;
        const decision = await askPerson(this.#scope, place, question, denied);
        return decision.approved ? undefined : denial(decision.reason);
      }
    }
  }

  async #status(call: PolicyCall, place: Place): Promise<PolicyStatus> {
    const settings: PolicySettings = {
      toolApproval: this.#toolApproval,
      tools: this.#tools,
      toolsContext: this.#toolsContext,
      runtimeContext: this.#runtimeContext,
    };
    const policy = policyOf(settings, call);
    if (typeof policy !== "function") return policy;
    const step = { kind: "policy", tool: call.toolName, toolCallId: call.toolCallId } as const;
    const ask = async (): Promise<PolicyStatus> => statusOf(await policy(), call.toolName);
    return statusOf(await this.#scope.step(place, step, ask, true), call.toolName);
  }

  /** Refused by the setting: nobody is asked, and whoever watches is told with the next step. */
  #refuseAlone(place: Place, { toolName, toolCallId }: PolicyCall, reason: string | undefined): Denial {
    const { sink } = this.#scope;
    const approvalId = place.invocation.context.rand.uuidv4();
    sink?.settled({ type: "approval-request", approvalId, toolCallId, toolName, isAutomatic: true });
    sink?.settled({ type: "approval-response", approvalId, toolCallId, approved: false, reason });
    sink?.settled({ type: "tool-denied", toolCallId, toolName, reason });
    return denial(reason);
  }

  #isGated(toolName: string): boolean {
    return Object.hasOwn(this.#tools, toolName) && this.#tools[toolName]?.execute !== undefined;
  }
}
