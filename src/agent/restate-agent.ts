/**
 * `RestateAgent`: the AI SDK's `ToolLoopAgent`, durable. The loop is the AI SDK's own; for each run this class gives
 * it settings in which every model call, tool call and download is a journaled step.
 */
import { type Output, type StreamTextTransform, ToolLoopAgent, type ToolLoopAgentSettings, type ToolSet } from "ai";
import { DefinitionError } from "../errors/definition-error.ts";
import { currentPlace, inFiber, type Place, requirePlace, runAt } from "../journal/ambient.ts";
import { nextRunName } from "../journal/context.ts";
import { checkOptions, type RestateAgentOptions } from "./agent-options.ts";
import { AgentRun, LAST_ACT } from "./agent-run.ts";
import type { Budget } from "./budget/budget.ts";
import { reportsOn } from "./budget/budget-report.ts";
import { startBudget } from "./budget/start-budget.ts";
import { SEGMENT, type Segment } from "./continue-as-new-segment.ts";
import { EXTRAS, type RunExtras } from "./run-extras.ts";
import { hasSources, loadTools, loadToolsPlainly } from "./run-sources.ts";
import { durableSettings, type LooseSettings, wrapCallbacks } from "./run-settings.ts";
import { signalAfterUndo, streamGuard } from "./stream-guard.ts";
import { withUsage } from "./usage-ledger.ts";

type AgentContext = Record<string, unknown>;
type Agent<
  C,
  T extends ToolSet,
  R extends AgentContext,
  O extends Output.Output<unknown, unknown, unknown>,
> = ToolLoopAgent<C, T, R, O>;
/** What one call may use, instead of what the agent's options say. */
type CallBudget = { readonly budget?: Budget | undefined };
type PrepareCall = (settings: LooseSettings) => unknown;

const agentOptions = new WeakMap<object, RestateAgentOptions>();

/** What is ours about `agent`, for agents that are made of it. */
export function optionsOf(agent: object): RestateAgentOptions {
  return agentOptions.get(agent) ?? {};
}

/**
 * A durable agent. Same settings, methods and types as the AI SDK's `ToolLoopAgent`, or an existing `ToolLoopAgent`.
 * Inside a Restate handler every model call and tool call is journaled: after a crash the run continues where it
 * stopped.
 *
 * @example
 * ```ts
 * const agent = new RestateAgent({ id: "weather", model: openai("gpt-5.2"), tools: { getWeather } });
 * const weather = service({
 *   name: "WeatherAgent",
 *   handlers: { run: async (_ctx: Context, prompt: string) => (await agent.generate({ prompt })).text },
 * });
 * ```
 *
 * @throws DefinitionError when the agent has no id or its options name unknown tools.
 */
export class RestateAgent<
  CALL_OPTIONS = never,
  TOOLS extends ToolSet = {},
  RUNTIME_CONTEXT extends AgentContext = AgentContext,
  OUTPUT extends Output.Output<unknown, unknown, unknown> = never,
> extends ToolLoopAgent<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT> {
  readonly #name: string;
  readonly #settings: LooseSettings;
  readonly #options: RestateAgentOptions;

  constructor(
    agent:
      | ToolLoopAgentSettings<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT>
      | ToolLoopAgent<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT>,
    options: RestateAgentOptions<TOOLS> = {},
  ) {
    const settings = agent instanceof ToolLoopAgent ? settingsOf(agent) : agent;
    super(settings);
    this.#options = options;
    agentOptions.set(this, options);
    this.#settings = settingsOf(this) as LooseSettings;
    this.#name = checkOptions(options.id ?? settings.id, settings.tools, this.#options);
  }

  /** The name in step names. */
  get name(): string {
    return this.#name;
  }

  /**
   * As `ToolLoopAgent.generate()`, durable.
   *
   * @throws OutsideHandlerError outside of a handler, unless `outsideHandler: "plain"`.
   * @throws ModelCallError when the provider refused for good; TerminalError and CancelledError as they come.
   */
  override async generate(
    parameters: Parameters<Agent<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT>["generate"]>[0] & CallBudget,
  ): ReturnType<Agent<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT>["generate"]> {
    if (this.#isPlain()) return this.#plain()?.generate(parameters) ?? super.generate(parameters);
    return inFiber(requirePlace("RestateAgent.generate()"), async (place) => {
      const run = this.#startRun(place, parameters);
      let failure: { readonly error: unknown } | undefined;
      try {
        const { [LAST_ACT]: isLastAct = false } = parameters as { readonly [LAST_ACT]?: boolean };
        const work = () =>
          run.settle(this.#loop(run, parameters).generate(this.#parameters(run, parameters)), isLastAct);
        return reportsOn(
          withUsage(await (run.extras.undoesItself === false ? work() : run.rollback.run(work)), run.usage),
          run.budget,
        );
      } catch (error) {
        failure = { error };
        throw error;
      } finally {
        run.end(failure);
      }
    });
  }

  /**
   * As `ToolLoopAgent.stream()`, durable. The stream that the caller reads is made from the journal, so it is the same
   * on replay; for live parts see `onStreamEvent`. A run that fails makes the stream and the result's promises fail.
   */
  override async stream(
    parameters: Parameters<Agent<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT>["stream"]>[0] & CallBudget,
  ): ReturnType<Agent<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT>["stream"]> {
    if (this.#isPlain()) return this.#plain()?.stream(parameters) ?? super.stream(parameters);
    const outer = requirePlace("RestateAgent.stream()");
    const { scheduler } = outer.invocation;
    const place: Place = {
      invocation: outer.invocation,
      fiber: scheduler.fork(outer.fiber),
      spanId: outer.spanId,
    };
    const run = this.#startRun(place, parameters);
    const leave = run.rollback.streams();
    const end = (failure?: { readonly error: unknown }): void => {
      leave();
      run.end(failure);
      scheduler.end(place.fiber);
    };
    const { experimental_transform: own = [] } = parameters;
    const transforms: StreamTextTransform<TOOLS>[] = Array.isArray(own) ? own : [own];
    try {
      const result = await runAt(place, () =>
        this.#loop(run, parameters).stream(
          this.#parameters(
            run,
            {
              ...parameters,
              experimental_transform: [...transforms, streamGuard<TOOLS>(run, end)],
            },
            signalAfterUndo(run),
          ),
        ),
      );
      return reportsOn(result, run.budget);
    } catch (error) {
      const failure = await run.rollback.undo(error);
      end({ error: failure });
      throw failure;
    }
  }

  #isPlain(): boolean {
    return this.#options.outsideHandler === "plain" && currentPlace() === undefined;
  }

  /** The AI SDK's agent for one plain run; undefined: this one will do. */
  #plain(): ToolLoopAgent<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT> | undefined {
    const { mcp } = this.#options;
    if (!hasSources(this.#settings, mcp)) return undefined;
    return this.#prepared(this.#settings, (prepared) => loadToolsPlainly(prepared, this.#name, mcp));
  }

  #startRun(
    place: Place,
    {
      abortSignal,
      [EXTRAS]: extras,
      budget,
      [SEGMENT]: segment,
    }: CallBudget & {
      readonly abortSignal?: AbortSignal | undefined;
      readonly [EXTRAS]?: RunExtras;
      readonly [SEGMENT]?: Segment;
    },
  ): AgentRun {
    const agent = this.#name;
    const start = () => new AgentRun({ name: nextRunName(agent), agent }, place, this.#options, abortSignal, extras);
    const run = runAt(place, start);
    segment?.count(run.usage);
    startBudget(run, budget, segment?.budget);
    segment?.meter(run.budget?.own);
    return run;
  }

  /** The AI SDK's agent for one run. */
  #loop(
    run: AgentRun,
    { timeout, [SEGMENT]: segment }: { readonly timeout?: unknown; readonly [SEGMENT]?: Segment },
  ): ToolLoopAgent<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT> {
    return this.#prepared(wrapCallbacks(this.#settings, run), async (prepared) => {
      const loaded = await loadTools(prepared, run);
      return durableSettings((await segment?.settings(loaded)) ?? loaded, timeout, run);
    });
  }

  /** An agent with `settings`, in which `prepare` has the last word on each call. */
  #prepared(
    settings: LooseSettings,
    prepare: (prepared: LooseSettings) => Promise<LooseSettings>,
  ): ToolLoopAgent<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT, OUTPUT> {
    const own = this.#settings["prepareCall"] as PrepareCall | undefined;
    const prepareCall = async (call: LooseSettings): Promise<LooseSettings> =>
      prepare(((await own?.(call)) ?? call) as LooseSettings);
    return new ToolLoopAgent({ ...settings, prepareCall } as unknown as ToolLoopAgentSettings<
      CALL_OPTIONS,
      TOOLS,
      RUNTIME_CONTEXT,
      OUTPUT
    >);
  }

  /** The caller's parameters, with the run's signal, and without timers that would run between steps. */
  #parameters<P extends object>(run: AgentRun, parameters: P, abortSignal: AbortSignal = run.signal): P {
    const { timeout: _timeout, budget: _budget, ...rest } = wrapCallbacks(parameters as LooseSettings, run);
    return { ...rest, abortSignal } as P;
  }
}

/** `ToolLoopAgent` keeps its settings in a private field, and offers no other way to them. */
function settingsOf<C, T extends ToolSet, R extends AgentContext, O extends Output.Output<unknown, unknown, unknown>>(
  agent: ToolLoopAgent<C, T, R, O>,
): ToolLoopAgentSettings<C, T, R, O> {
  const { settings } = agent as unknown as { readonly settings?: ToolLoopAgentSettings<C, T, R, O> };
  if (settings === undefined) {
    throw new DefinitionError(
      "Cannot read the settings of this ToolLoopAgent: this version of the AI SDK keeps them elsewhere; pass the settings themselves",
    );
  }
  return settings;
}
