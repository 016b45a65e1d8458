/**
 * One run of an agent: one call of `generate()` or `stream()`. It owns the names and ids of the run and the one way
 * out that the AI SDK cannot turn into something for the model.
 *
 * - R1 Names and ids follow from the order of the journal alone (G2, G8).
 * - R2 The first failure wins. Once a run has failed nothing new starts in it, and it ends with that very error (G5). Being
 *   interrupted from around it (cancelled, late, loser of a race) is one, whatever a tool of its makes of that.
 * - R3 Cancellation and `toolErrors: "fail"` let what waits clean up; a transient failure stops everything at once,
 *   because the attempt is over and Restate will run it again (G6).
 */
import { CancelledError } from "../restate.ts";
import type { Place } from "../journal/ambient.ts";
import type { Fiber } from "../journal/fiber.ts";
import type { Window } from "../journal/run-ahead.ts";
import { blobCodec } from "../journal/blob-codec.ts";
import { Blobs } from "../journal/blobs.ts";
import type { StepCodec, StepHost } from "../journal/step-host.ts";
import { plainCodec, type StoredForm } from "../journal/stored-form.ts";
import { downloadStepName, modelStepName, toolStepName } from "../journal/step-names.ts";
import { stepHostAt } from "../journal/step.ts";
import { RunTimeoutError } from "../errors/run-timeout-error.ts";
import type { Redact } from "../encryption/redact.ts";
import { type ReaderAddress, within } from "../stream/reader-address.ts";
import type { ModelStep } from "../model/model-step.ts";
import type { LiveEvent, RunSink, SettledEvent } from "../stream/run-sink.ts";
import { RollbackScope } from "../tools/rollback/rollback-scope.ts";
import { type RestateAgentOptions, windowOf } from "./agent-options.ts";
import type { LiveEvents } from "./live-integrations.ts";
import type { RunExtras } from "./run-extras.ts";
import type { BudgetGuard } from "./budget/budget-guard.ts";
import type { Loan } from "./budget/budget-meter.ts";
import { OpenCalls } from "./budget/open-calls.ts";
import { RunTrace } from "./run-trace.ts";
import { UsageLedger } from "./usage-ledger.ts";

/**
 * A parameter of `generate()`: the caller does nothing with the result but return it. So the answer need not wait for
 * the run's last acknowledgements: Restate writes it after them (run-ahead.ts, W1).
 */
export const LAST_ACT: unique symbol = Symbol("restate-edge-agents.last-act");

/** The run that began at a fiber. */
const runs = new WeakMap<Fiber, AgentRun>();

const ENDS: ReadonlySet<string> = new Set(["tool-result", "tool-error", "tool-denied"]);

/** The state of one run. */
export class AgentRun {
  /** The run inside a tool of which this one happens, in the same invocation; undefined: nobody's. */
  readonly parent: AgentRun | undefined;

  /** Prefix of the run's step names. */
  readonly name: string;
  /** The agent's name. */
  readonly agent: string;
  readonly place: Place;
  readonly options: RestateAgentOptions;
  /** The caller's own signal. Only steps look at it: between steps it would be a hidden clock (G8). */
  readonly callerSignal: AbortSignal | undefined;

  /** What the library's own callers have given. */
  readonly extras: RunExtras;

  /** What the run and the agents that it called have used. */
  readonly usage: UsageLedger;

  /** Stands before its model calls; undefined: no budget is there. */
  budget: BudgetGuard | undefined;

  /** How far the run's steps may run ahead of their acknowledgements; undefined: not at all. */
  readonly window: Window | undefined;

  /** The run's span; undefined when nobody wants it. */
  readonly trace: RunTrace | undefined;

  /** What the AI SDK's telemetry integrations are told; undefined when there are none. */
  events: LiveEvents | undefined;

  /** Tools that may call agents elsewhere. */
  callingTools: ReadonlySet<string> = new Set();

  /** Calls of theirs. */
  readonly openCalls: OpenCalls = new OpenCalls();

  /** What can be undone of it. */
  readonly rollback: RollbackScope;

  readonly #blobs: Blobs | undefined;
  #failure: { readonly error: unknown } | undefined;
  #modelSteps = 0;
  #downloads = 0;
  #ids = 0;
  #elapsedMs = 0;
  #activeTools = 0;
  #isModelDurable = true;
  #callbacks: Promise<unknown> = Promise.resolve();
  readonly #idPrefix: string;
  readonly #toolSteps = new Map<string, number>();
  readonly #toolNames = new Map<string, string>();
  readonly #toolFibers = new WeakMap<Fiber, string>();
  readonly #calledElsewhere = new Map<string, number>();
  readonly #controller = new AbortController();
  readonly #killed = Promise.withResolvers<never>();
  readonly #releases: (() => void)[] = [];

  /** @param agent The agent's name; `name` is the run's. */
  constructor(
    { name, agent }: { readonly name: string; readonly agent: string },
    place: Place,
    options: RestateAgentOptions,
    callerSignal: AbortSignal | undefined,
    extras: RunExtras = {},
  ) {
    this.parent = AgentRun.of(place.fiber);
    runs.set(place.fiber, this);
    this.name = name;
    this.agent = agent;
    this.extras = extras;
    this.usage = new UsageLedger(extras.usage ?? this.parent?.usage);
    this.place = place;
    this.options = options;
    this.callerSignal = callerSignal;
    this.window = windowOf(options);
    const { onRollbackFailed, redact } = options;
    const { trace } = place.invocation;
    this.trace = trace === undefined ? undefined : new RunTrace(trace, place, { run: name, agent });
    const undoTrace = this.trace?.undoTrace;
    this.rollback = RollbackScope.enter(place, { name, onRollbackFailed, redact, trace: undoTrace });
    this.#blobs = options.blobs === undefined ? undefined : new Blobs(options.blobs);
    place.invocation.size.limit(options.journal ?? {});
    this.#idPrefix = place.invocation.sdkContext.rand.uuidv4();
    this.#killed.promise.catch(() => {});
    this.#releases.push(place.fiber.onInterrupt((reason) => void this.#record(reason)));
  }

  /** The innermost run that `fiber` is in. */
  static of(fiber: Fiber): AgentRun | undefined {
    for (let at: Fiber | undefined = fiber; at !== undefined; at = at.parent) {
      const run = runs.get(at);
      if (run !== undefined) return run;
    }
    return undefined;
  }

  /** Aborted when the run fails; makes the AI SDK leave its loop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get steps(): StepHost {
    return stepHostAt(this.place, this.window);
  }

  /** How the result of `step` is stored. */
  codec<T>(form: StoredForm<T>, step: string): StepCodec<T> {
    return this.#blobs === undefined ? plainCodec(form) : blobCodec(form, this.#blobs, step);
  }

  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** `<agent> model <n>` */
  nextModelStep(): string {
    this.throwIfFailed();
    this.#modelSteps += 1;
    return modelStepName(this.name, this.#modelSteps);
  }

  /** The tool that a call is of. */
  toolNameOf(toolCallId: string): string {
    return this.#toolNames.get(toolCallId) ?? "";
  }

  /** `<agent> tool <toolName> <toolCallId>`; a call id that a provider uses twice gets ` #2`. */
  nextToolStep(toolName: string, toolCallId: string): string {
    this.throwIfFailed();
    const name = toolStepName(this.name, toolName, toolCallId);
    const count = (this.#toolSteps.get(name) ?? 0) + 1;
    this.#toolSteps.set(name, count);
    return toolStepName(this.name, toolName, toolCallId, count);
  }

  /** `<agent> download <n>` */
  nextDownloadStep(): string {
    this.throwIfFailed();
    this.#downloads += 1;
    return downloadStepName(this.name, this.#downloads);
  }

  /** Ids for the AI SDK: unique across invocations, the same on replay. */
  readonly generateId = (): string => {
    this.#ids += 1;
    return `${this.#idPrefix}-${this.#ids}`;
  };

  /** A clock for the AI SDK that only moves by journaled durations. */
  readonly now = (): number => this.#elapsedMs;

  advance(ms: number): void {
    this.#elapsedMs += ms;
  }

  /** Ends the run with `error`; everything that waits in it is rejected and may clean up (R3). */
  fail(error: unknown): void {
    if (!this.#record(error)) return;
    this.place.invocation.scheduler.interrupt(this.place.fiber, new CancelledError());
  }

  /** Ends the attempt with `error`, which is not terminal: Restate will retry the invocation (R3). */
  kill(error: unknown): void {
    if (!this.#record(error)) return;
    this.#controller.abort(error);
    this.#killed.reject(error);
    this.place.invocation.scheduler.kill(this.place.fiber, error);
  }

  /**
   * Counts a tool call as active. A failed run leaves the AI SDK's loop only when its tools have ended: they may be
   * cleaning up, and a stream would not wait for them.
   */
  async track<T>(tool: Promise<T>): Promise<T> {
    this.#activeTools += 1;
    const release = this.rollback.hold();
    try {
      return await tool;
    } finally {
      this.#activeTools -= 1;
      if (this.#activeTools === 0 && this.#failure !== undefined) this.#controller.abort(this.#failure.error);
      release();
    }
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Fails the run when `ms` milliseconds have passed, by the journal's clock. */
  limit(ms: number): void {
    const { scheduler } = this.place.invocation;
    const onTime = (): void => this.fail(new RunTimeoutError(this.name, ms));
    this.#releases.push(scheduler.watch(scheduler.sleep(ms), this.place.fiber, onTime, ms));
  }

  /** Waits until everything before is durable; what comes next may have side effects (G4). */
  async barrier(place: Place): Promise<void> {
    if (this.window !== undefined) await place.invocation.scheduler.gate(place.fiber);
    this.#isModelDurable = true;
  }

  /** Where the run's events go; undefined: nobody watches. */
  get sink(): RunSink | undefined {
    return this.extras.sink;
  }

  /** Says what is kept of texts: the run's own, or that of the run around it. */
  get redact(): Redact | undefined {
    return this.options.redact ?? this.parent?.redact;
  }

  /** Where what it calls elsewhere can tell of its progress; not of what it would have to redact. */
  get readers(): readonly ReaderAddress[] {
    return this.redact === undefined ? (this.sink?.readers ?? []) : [];
  }

  /** A tool call begins at `fiber`. */
  entered(fiber: Fiber, toolCallId: string): void {
    this.#toolFibers.set(fiber, toolCallId);
  }

  /** Who watches an agent that is called elsewhere at `fiber`: inside of one of the run's tool calls. */
  readersOfCall(fiber: Fiber): readonly ReaderAddress[] {
    const { readers } = this;
    const call = readers.length === 0 ? undefined : this.#callAt(fiber);
    if (call === undefined) return [];
    const n = (this.#calledElsewhere.get(call) ?? 0) + 1;
    this.#calledElsewhere.set(call, n);
    return within(readers, call, n);
  }

  /**
   * Lends what it may use to an agent that is called elsewhere at `fiber`.
   *
   * @param isOnly False: the same tool call may call others.
   */
  lend(fiber: Fiber, isOnly: boolean): readonly Loan[] {
    if (this.budget === undefined) return [];
    const call = this.#callAt(fiber);
    let share = call === undefined ? 1 / 2 : this.openCalls.share(call, isOnly);
    for (let run = this.parent; run !== undefined; run = run.parent) share /= run.openCalls.count;
    return this.budget.lend(share);
  }

  #callAt(fiber: Fiber): string | undefined {
    for (let at: Fiber | undefined = fiber; at !== undefined && at !== this.place.fiber; at = at.parent) {
      const call = this.#toolFibers.get(at);
      if (call !== undefined) return call;
    }
    return undefined;
  }

  /** Tells what happens now, inside a step. True: somebody has asked for the run to stop. */
  async live(event: LiveEvent): Promise<boolean> {
    if (this.sink === undefined) return false;
    return (await this.sink.live(event)).stop;
  }

  /** Tells what the journal has. Called between steps, in the order of the journal, on replays too. */
  settled(event: SettledEvent): void {
    if (event.type === "model-step") this.#modelStep(event.result.content);
    else if (ENDS.has(event.type) && "toolCallId" in event) this.openCalls.end(event.toolCallId);
    else if (event.type === "tool-input") this.#toolNames.set(event.toolCallId, event.toolName);
    this.sink?.settled(event);
  }

  #modelStep(content: ModelStep["content"]): void {
    this.#isModelDurable = false;
    const calls = content.filter((part) => part.type === "tool-call");
    const callers = calls.filter(({ toolName }) => this.callingTools.has(toolName));
    this.openCalls.begin(callers.map(({ toolCallId }) => toolCallId));
  }

  /** What a reader has seen of a model step cannot change any more when the next one begins. */
  async beforeModel(): Promise<void> {
    if (this.sink !== undefined && this.sink.isForgetful !== true && !this.#isModelDurable)
      await this.barrier(this.place);
  }

  /** Runs `action` after the ones before it: callbacks of parallel tools must not decide who comes first (G2). */
  inOrder<T>(action: () => PromiseLike<T>): Promise<T> {
    const result = this.#callbacks.then(action);
    this.#callbacks = result.catch(() => {});
    return result;
  }

  /** The run's own end: `work`'s result, unless the run failed. */
  async settle<T>(work: PromiseLike<T>, isLastAct: boolean): Promise<T> {
    const [ended] = await Promise.allSettled([Promise.race([work, this.#killed.promise])]);
    await this.lastGate(isLastAct);
    if (ended.status === "rejected") throw ended.reason;
    return ended.value;
  }

  /**
   * The run's result is durable when its caller gets it, who may have side effects of its own (G4).
   *
   * @throws what the run failed with, or the cancellation that it heard of here.
   */
  async lastGate(isLastAct = false): Promise<void> {
    const before = this.#failure;
    try {
      const { window } = this;
      const isLast = isLastAct || this.place.fiber.parent?.isRacing === true;
      const isSkipped = isLast && window !== undefined && !this.place.invocation.scheduler.mayHaveNews(window);
      if (!isSkipped) await this.barrier(this.place);
    } catch (error) {
      throw before === undefined && this.#failure !== undefined ? this.#failure.error : error;
    }
    this.throwIfFailed();
  }

  /** The run is over, with `failure` if it failed. Lets go of timers and listeners. */
  end(failure?: { readonly error: unknown }): void {
    this.trace?.end(failure);
    for (const release of this.#releases.splice(0)) release();
  }

  #record(error: unknown): boolean {
    if (this.#failure !== undefined) return false;
    this.#failure = { error };
    if (this.#activeTools === 0) this.#controller.abort(error);
    return true;
  }
}
