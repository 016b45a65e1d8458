/**
 * Stands before the model calls of one run, and asks every budget that they count for: the run's own, its conversation's,
 * and those of the runs around it.
 *
 * - G1 Before a call. It decides between steps, by what the journal has (B1), so after the tools of the last step: no tool
 *   call is left without its result. What only a clock can tell is decided inside the call's own step.
 * - G2 Whose bound, its end. A bound of a run around this one ends that run as its own budget says; a call that it stops
 *   here ends this run with what it has.
 * - G3 One question. Of several agents that reach a bound at the same time one asks, and the others wait for the answer.
 */
import { ApprovalScope } from "../../approvals/approval-scope.ts";
import { askPerson } from "../../approvals/ask-person.ts";
import { ApprovalsMissingError } from "../../errors/approvals-missing-error.ts";
import { BudgetExceededError } from "../../errors/budget-exceeded-error.ts";
import { inFiber, type Place } from "../../journal/ambient.ts";
import { Latch } from "../../journal/latch.ts";
import type { StepOptions } from "../../journal/step-host.ts";
import type { BudgetExceeded } from "./budget.ts";
import type { BudgetMeter, Loan } from "./budget-meter.ts";
import { amountOf, noticeOf, questionOf } from "./budget-words.ts";
import type { PricedModel } from "./prices.ts";

/** What the guard needs of its run. */
export interface BudgetedRun {
  /** The run's name, as in its step names. */
  readonly name: string;
  readonly agent: string;
  readonly place: Place;
  readonly options: { readonly runOptions?: StepOptions };
  fail(error: unknown): void;
  throwIfFailed(): void;
}

/** A budget, and the run that it ends. */
interface Counted {
  readonly meter: BudgetMeter;
  readonly run: BudgetedRun;
}

/** A budget that does not let a call begin, and why. */
interface Found {
  readonly counted: Counted;
  readonly verdict: BudgetExceeded | "wait";
}

/** The time after which a call must not begin, and what happens then. */
export interface Deadline {
  readonly ms: number;
  /** What stands in for the call's answer; or the failure of the run. */
  readonly expired: (nowMs: number) => { readonly notice: string };
}

/** How a call may go on. */
export type Admission =
  | { readonly notice: string }
  | { readonly maxOutputTokens: number | undefined; readonly deadline: Deadline | undefined };

/** See the head of this file. */
export class BudgetGuard {
  readonly #run: BudgetedRun;
  readonly #counted: readonly Counted[];
  readonly #own: BudgetMeter | undefined;
  #canStop = true;
  #questions = 0;
  #release: (() => void) | undefined;
  #exceeded: BudgetExceeded | undefined;

  /** @param meters The run's own budget first, and then its conversation's. */
  constructor(run: BudgetedRun, meters: readonly BudgetMeter[], own: BudgetMeter | undefined, around?: BudgetGuard) {
    this.#run = run;
    this.#own = own;
    this.#counted = [...meters.map((meter) => ({ meter, run })), ...(around?.counted ?? [])];
  }

  /** All budgets that the run's calls count for, from the inside. */
  get counted(): readonly Counted[] {
    return this.#counted;
  }

  /** The run's own. */
  get own(): BudgetMeter | undefined {
    return this.#own;
  }

  /** The bound that has ended the run; undefined: none has. */
  get exceeded(): BudgetExceeded | undefined {
    return this.#exceeded;
  }

  /** True while a model call must say when it began. */
  get wantsTime(): boolean {
    const { own } = this;
    return own?.budget.durationMs !== undefined && own.startedMs === undefined;
  }

  /**
   * Called when the settings of the run are known. An agent with a structured output cannot be stopped with a sentence.
   *
   * @throws ApprovalsMissingError when people would have to be asked, and nobody can be.
   */
  configure(hasOutput: boolean): void {
    this.#canStop = !hasOutput;
    const isAsked = this.#counted.some(({ meter, run }) => run === this.#run && meter.budget.atLimit === "ask");
    if (isAsked && ApprovalScope.of(this.#run.place.fiber) === undefined) throw new ApprovalsMissingError("budget");
  }

  /**
   * Waits until a call may begin (G1) that one of `models` answers, and reserves what it may use. `settled()` ends it.
   *
   * @throws BudgetExceededError and DefinitionError, and what the run has failed with.
   */
  async admit(models: readonly PricedModel[], maxOutputTokens: number | undefined): Promise<Admission> {
    for (;;) {
      this.#run.throwIfFailed();
      const nowMs = await this.#now();
      // From here to the reservation nothing is awaited: nobody comes in between (B2).
      const found = this.#look(models, nowMs);
      if (found === undefined) return this.#reserve(models, maxOutputTokens);
      const { counted, verdict } = found;
      if (verdict === "wait") {
        const { invocation, fiber } = this.#run.place;
        await counted.meter.released(invocation.scheduler).waitIn(fiber);
      } else if (counted.meter.budget.atLimit === "ask" && !counted.meter.isClosed) {
        await this.#ask(counted, verdict);
      } else {
        return { notice: this.#end(counted, verdict) };
      }
    }
  }

  /** Lends a part of what is left of all of them to an agent that is called elsewhere (budget-meter.ts, B3). */
  lend(share: number): readonly Loan[] {
    return this.#counted.map(({ meter }) => meter.lend(share));
  }

  /** The call has ended: what it used is in the ledger, or it failed. */
  settled(startedMs?: number): void {
    this.#own?.start(startedMs);
    this.#release?.();
    this.#release = undefined;
  }

  /** The answer of the last call was `notice`, of its own step, because a time was over. */
  timedOut(): void {
    const late = this.#nextDeadline();
    if (late !== undefined) this.#exceeded ??= exceededTime(late.meter);
  }

  /** The first budget that does not let a call begin. */
  #look(models: readonly PricedModel[], nowMs: number | undefined): Found | undefined {
    for (const counted of this.#counted) {
      const verdict = counted.meter.check(models, nowMs);
      if (verdict !== undefined) return { counted, verdict };
    }
    return undefined;
  }

  #reserve(models: readonly PricedModel[], maxOutputTokens: number | undefined): Admission {
    const caps = this.#counted.map(({ meter }) => meter.outputCap(models)).filter((cap) => cap !== undefined);
    const cap = caps.length === 0 ? maxOutputTokens : Math.min(...caps, maxOutputTokens ?? Infinity);
    const releases = this.#counted.map(({ meter }) => meter.reserve(models, cap));
    this.#release = () => {
      for (const release of releases) release();
    };
    return { maxOutputTokens: cap, deadline: this.#deadline() };
  }

  /** Ends the run that the bound belongs to, or this one with a last answer (G2). */
  #end({ meter, run }: Counted, exceeded: BudgetExceeded): string {
    const { atLimit = "fail" } = meter.budget;
    this.#exceeded = exceeded;
    if (atLimit !== "fail" && this.#canStop) return noticeOf(meter.what, meter.budget, exceeded);
    const error = new BudgetExceededError(meter.what, exceeded);
    if (atLimit === "fail" || run === this.#run) run.fail(error);
    throw error;
  }

  #deadline(): Deadline | undefined {
    const next = this.#nextDeadline();
    const { deadlineMs } = next?.meter ?? {};
    if (next === undefined || deadlineMs === undefined) return undefined;
    const expired = (nowMs: number): { readonly notice: string } => {
      const { meter } = next;
      const exceeded = exceededTime(meter, nowMs);
      if (meter.budget.atLimit !== "fail" && meter.budget.atLimit !== undefined && this.#canStop)
        return { notice: noticeOf(meter.what, meter.budget, exceeded) };
      throw new BudgetExceededError(meter.what, exceeded);
    };
    return { ms: deadlineMs, expired };
  }

  /** A call's own step said that a time was over: the run that it belongs to ends (G2). */
  failLate(error: unknown): void {
    const next = this.#nextDeadline();
    if (next === undefined || !BudgetExceededError.isInstance(error)) return;
    const { atLimit = "fail" } = next.meter.budget;
    if (atLimit === "fail" || next.run === this.#run) next.run.fail(error);
  }

  /** The budget whose time is over first. Where people are asked, the journal's clock tells; see `#now()`. */
  #nextDeadline(): Counted | undefined {
    const timed = this.#counted.filter(({ meter }) => meter.deadlineMs !== undefined && !asksForTime(meter));
    return timed.toSorted((a, b) => (a.meter.deadlineMs ?? 0) - (b.meter.deadlineMs ?? 0))[0];
  }

  /** The time, as an entry of the journal: only where a question about time may have to be asked. */
  async #now(): Promise<number | undefined> {
    if (!this.#counted.some(({ meter }) => asksForTime(meter) && meter.startedMs !== undefined)) return undefined;
    return this.#time();
  }

  #time(): Promise<number> {
    return inFiber(this.#run.place, async ({ invocation }) => invocation.context.date.now());
  }

  /** G3 */
  async #ask(counted: Counted, exceeded: BudgetExceeded): Promise<void> {
    const { meter } = counted;
    const { invocation, fiber } = this.#run.place;
    if (meter.asking !== undefined) return meter.asking.waitIn(fiber);
    const latch = new Latch(invocation.scheduler);
    meter.asking = latch;
    try {
      await this.#askPerson(meter, exceeded);
    } finally {
      meter.asking = undefined;
      latch.open();
    }
  }

  async #askPerson(meter: BudgetMeter, exceeded: BudgetExceeded): Promise<void> {
    const decision = await inFiber(this.#run.place, (place) => {
      const inherited = ApprovalScope.of(place.fiber);
      if (inherited === undefined) throw new ApprovalsMissingError("budget");
      const { agent, name: run, options } = this.#run;
      // Told to who is asked, and not to the run's stream: there is no tool call there that the question could belong to.
      const scope = { approvals: inherited.approvals, agent, run, stepOptions: options.runOptions };
      this.#questions += 1;
      return askPerson(ApprovalScope.enter(place.fiber, scope), place, {
        kind: "approval",
        tool: "budget",
        toolCallId: `budget-${this.#questions}`,
        input: { limit: exceeded.limit, allowed: exceeded.allowed, spent: exceeded.spent },
        reason: questionOf(meter.what, exceeded),
        timeout: meter.budget.askTimeout,
        onTimeout: "deny",
      });
    });
    if (!decision.approved) {
      meter.isClosed = true;
      return;
    }
    const { limit } = exceeded;
    const nowMs = limit === "durationMs" ? await this.#time() : undefined;
    meter.grant(limit, amountOf(limit, decision.reason) ?? meter.budget[limit] ?? 0, nowMs);
  }
}

function asksForTime({ budget, isClosed }: BudgetMeter): boolean {
  return budget.durationMs !== undefined && budget.atLimit === "ask" && !isClosed;
}

function exceededTime(meter: BudgetMeter, nowMs: number | undefined = meter.deadlineMs): BudgetExceeded {
  return { limit: "durationMs", allowed: meter.allowed("durationMs") ?? 0, spent: meter.spent(nowMs) };
}
