/** Who is asked in a run, and in the runs of agents inside its tools: they inherit it. */
import type { Place } from "../journal/ambient.ts";
import type { Fiber } from "../journal/fiber.ts";
import type { Window } from "../journal/run-ahead.ts";
import type { StepOptions } from "../journal/step-host.ts";
import { runStep } from "../journal/step.ts";
import { valueForm } from "../journal/codec.ts";
import { type ApprovalStep, approvalStepName } from "../journal/step-names.ts";
import { plainCodec } from "../journal/stored-form.ts";
import type { RunSink } from "../stream/run-sink.ts";
import type { Approvals } from "./approvals.ts";

/** What asking needs to know of a run. */
export interface ApprovalScopeInit {
  readonly approvals: Approvals;
  /** The agent's name. */
  readonly agent: string;
  /** The run's name, as in its step names. */
  readonly run: string;
  /** Told of what is asked and answered. */
  readonly sink?: RunSink | undefined;
  readonly window?: Window | undefined;
  readonly stepOptions?: StepOptions | undefined;
}

const scopes = new WeakMap<Fiber, ApprovalScope>();

/** The scope of one run. */
export class ApprovalScope {
  readonly approvals: Approvals;
  readonly agent: string;
  readonly sink: RunSink | undefined;
  readonly #init: ApprovalScopeInit;
  readonly #names = new Map<string, number>();

  private constructor(init: ApprovalScopeInit) {
    this.approvals = init.approvals;
    this.agent = init.agent;
    this.sink = init.sink;
    this.#init = init;
  }

  /** Begins the scope of the run of `fiber`; it holds for what descends from that. */
  static enter(fiber: Fiber, init: ApprovalScopeInit): ApprovalScope {
    const scope = new ApprovalScope(init);
    scopes.set(fiber, scope);
    return scope;
  }

  /** The scope that `fiber` is in. */
  static of(fiber: Fiber): ApprovalScope | undefined {
    for (let at: Fiber | undefined = fiber; at !== undefined; at = at.parent) {
      const scope = scopes.get(at);
      if (scope !== undefined) return scope;
    }
    return undefined;
  }

  /**
   * A journaled step about a tool call.
   *
   * @param isReadOnly True when it may run ahead of acknowledgements: it has no side effect.
   */
  step<T>(
    place: Place,
    step: { readonly kind: ApprovalStep; readonly tool: string; readonly toolCallId: string },
    action: () => PromiseLike<T>,
    isReadOnly = false,
  ): PromiseLike<unknown> {
    const window = isReadOnly ? this.#init.window : undefined;
    return runStep<unknown>(place, this.#nameOf(step), action, plainCodec(valueForm), {
      ...this.#init.stepOptions,
      window,
    });
  }

  #nameOf({ kind, tool, toolCallId }: Parameters<ApprovalScope["step"]>[1]): string {
    const name = approvalStepName(kind, this.#init.run, tool, toolCallId);
    const count = (this.#names.get(name) ?? 0) + 1;
    this.#names.set(name, count);
    return approvalStepName(kind, this.#init.run, tool, toolCallId, count);
  }
}
