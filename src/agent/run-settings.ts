/**
 * Turns the settings of one call into durable ones: everything in the AI SDK's loop that would do I/O, read a clock
 * or make up an id between journaled steps is replaced here. The list follows the hazards named in DESIGN.md.
 */
import {
  createDownload,
  type Experimental_DownloadFunction as DownloadFunction,
  type LanguageModel,
  type Tool,
  type ToolSet,
} from "ai";
import type { LanguageModelV4, LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { ApprovalScope } from "../approvals/approval-scope.ts";
import { ToolGate } from "../approvals/tool-gate.ts";
import { inFiber, runAt } from "../journal/ambient.ts";
import { valueForm } from "../journal/codec.ts";
import { journalModel } from "../model/journal-model.ts";
import { modelStepForm } from "../model/model-step.ts";
import { TerminalError } from "../restate.ts";
import { withCompiledSchema } from "../tools/compiled-schema.ts";
import { isContextTool } from "../tools/context-tool.ts";
import { journalTool, type ToolHost } from "../tools/journal-tool.ts";
import type { ToolOptions } from "../tools/tool-options.ts";
import { sourceOptions } from "../tools/tool-source.ts";
import type { AgentStreamEvent } from "./agent-options.ts";
import type { AgentRun } from "./agent-run.ts";
import { budgetedModel, isBudgetNotice } from "./budget/budgeted-model.ts";
import { limitedModel } from "./limits/limited-model.ts";
import { limitsOf } from "./limits/permit.ts";
import { runTelemetry, telemetrySettings } from "./telemetry.ts";
import { type Timeouts, timeoutsOf } from "./timeouts.ts";
import { withUsage } from "./usage-ledger.ts";

/** Settings whose types depend on the agent's type parameters; this file only moves them. */
export type LooseSettings = Record<string, unknown>;
type Callback = (...parameters: unknown[]) => unknown;

const CALLBACK = /^(experimental_)?on[A-Z]/;

/** Wraps every callback among the settings; see `journaledCallback`. */
export function wrapCallbacks(settings: LooseSettings, run: AgentRun): LooseSettings {
  const entries = Object.entries(settings).map(([name, value]) =>
    CALLBACK.test(name) && typeof value === "function"
      ? [name, journaledCallback(name, value as Callback, run)]
      : [name, value],
  );
  return Object.fromEntries(entries) as LooseSettings;
}

/**
 * A user's callback. It is a fiber of its own, so it may use `restateContext()`, and its own I/O cannot change the
 * order of the journal. The AI SDK swallows what callbacks throw; a `TerminalError` must end the run all the same.
 */
function journaledCallback(name: string, callback: Callback, run: AgentRun): Callback {
  return async (...parameters) => {
    const told = parameters.map((event) => withUsage(event, run.usage));
    const call = (): Promise<unknown> => inFiber(run.place, async () => callback(...told));
    try {
      return await (name.endsWith("onToolExecutionStart") ? run.inOrder(call) : call());
    } catch (error) {
      if (error instanceof TerminalError) run.fail(error);
      else run.place.invocation.sdkContext.console.warn(`The callback ${name} of agent "${run.name}" failed`, error);
      throw error;
    }
  };
}

/** The settings that `generateText` or `streamText` get, from what the user's `prepareCall` returned. */
export function durableSettings(prepared: LooseSettings, timeout: unknown, run: AgentRun): LooseSettings {
  const timeouts = timeoutsOf(timeout ?? prepared["timeout"]);
  if (timeouts.totalMs !== undefined) run.limit(timeouts.totalMs);
  run.trace?.configure(telemetrySettings(prepared));
  const { timeout: _timeout, ...given } = prepared;
  const rest = withClientTools(given, run);
  const model = rest["model"] as LanguageModel;
  const gate = toolGate(rest, run);
  run.budget?.configure(rest["output"] !== undefined);
  return {
    ...rest,
    ...(gate === undefined ? {} : { toolApproval: gate.remaining }),
    model: durableModelOf(model, timeouts, run),
    ...(rest["tools"] === undefined ? {} : { tools: durableTools(rest["tools"] as ToolSet, timeouts, run, gate) }),
    ...runTelemetry(rest, run),
    maxRetries: 0,
    streamRetries: 0,
    experimental_download: durableDownload(rest["experimental_download"] as DownloadFunction | undefined, run),
    _internal: { generateId: run.generateId, generateCallId: run.generateId, now: run.now },
    ...wrapOptional(rest, "prepareStep", (prepareStep) => durablePrepareStep(prepareStep, model, timeouts, run, gate)),
    ...wrapOptional(rest, "repairToolCall", (repair) => inOwnFiber(repair, run)),
    ...wrapOptional(rest, "experimental_repairToolCall", (repair) => inOwnFiber(repair, run)),
  };
}

function withClientTools(settings: LooseSettings, { extras }: AgentRun): LooseSettings {
  const { tools } = settings;
  return tools === undefined || extras.clientTools === undefined
    ? settings
    : { ...settings, tools: extras.clientTools(tools as ToolSet) };
}

function wrapOptional(settings: LooseSettings, name: string, wrap: (callback: Callback) => Callback): LooseSettings {
  const value = settings[name];
  return typeof value === "function" ? { [name]: wrap(value as Callback) } : {};
}

function inOwnFiber(callback: Callback, run: AgentRun): Callback {
  return (...parameters) => inFiber(run.place, async () => callback(...parameters));
}

/** The user's function sees the model it knows, and may switch it: the new one is journaled like the first. */
function durablePrepareStep(
  prepareStep: Callback,
  model: LanguageModel,
  timeouts: Timeouts,
  run: AgentRun,
  gate: ToolGate | undefined,
): Callback {
  return async (step) => {
    const own = await runAt(run.place, () => prepareStep({ ...(step as LooseSettings), model }));
    const result = own as LooseSettings | undefined;
    if (result !== undefined) gate?.onStep(result);
    if (result?.["model"] === undefined) return result;
    return { ...result, model: durableModelOf(result["model"] as LanguageModel, timeouts, run) };
  };
}

function durableModelOf(model: LanguageModel, timeouts: Timeouts, run: AgentRun): LanguageModel {
  const { callerSignal } = run;
  const silent = (own: LanguageModel): LanguageModelV4 => journaledModelOf(own, timeouts, run);
  const limits = limitsOf(run.options.limits);
  const called = (own: LanguageModel): LanguageModelV4 => limitedModel(silent(own), run.place, limits);
  const durable = budgetedModel(model, { called, silent }, run.budget);
  return callerSignal === undefined ? durable : withCallerSignal(durable, callerSignal);
}

function journaledModelOf(model: LanguageModel, timeouts: Timeouts, run: AgentRun): LanguageModelV4 {
  const { options } = run;
  const { onStreamEvent } = options;
  return journalModel(model, {
    steps: run.steps,
    nextStepName: () => run.nextModelStep(),
    codec: (step) => run.codec(modelStepForm, step),
    beforeCall: async ({ tools = [] }) => {
      await run.beforeModel();
      if (tools.some((tool) => tool.type === "provider" && options.toolOptions?.[tool.name]?.readOnly !== true)) {
        await run.barrier(run.place);
      }
    },
    ...(options.runOptions === undefined ? {} : { options: options.runOptions }),
    ...(onStreamEvent === undefined ? {} : { onStreamEvent }),
    ...(run.sink === undefined ? {} : { sink: run.sink }),
    timeout: timeouts.model,
    onModelStep: (result, own, step) => {
      run.advance(result.ms);
      if (isBudgetNotice(result)) run.budget?.timedOut();
      else run.usage.addStep(own, result.usage);
      run.budget?.settled(result.startedMs);
      run.trace?.onModelStep(result, own);
      run.settled({ type: "model-step", step, result });
    },
    redact: options.redact,
    wantsStart: () => run.budget?.wantsTime ?? false,
    trace: () => run.trace?.modelTrace(),
    executing: () => run.events?.executing(),
  });
}

function withCallerSignal(model: LanguageModelV4, callerSignal: AbortSignal): LanguageModelV4 {
  const merged = (parameters: LanguageModelV4CallOptions): LanguageModelV4CallOptions => ({
    ...parameters,
    abortSignal: AbortSignal.any([callerSignal, ...(parameters.abortSignal ? [parameters.abortSignal] : [])]),
  });
  return {
    specificationVersion: model.specificationVersion,
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    doGenerate: (parameters) => model.doGenerate(merged(parameters)),
    doStream: (parameters) => model.doStream(merged(parameters)),
  };
}

/** Who is asked before tools; undefined: nobody here, so the AI SDK's own protocol holds. */
function toolGate(settings: LooseSettings, run: AgentRun): ToolGate | undefined {
  const { fiber } = run.place;
  const inherited = ApprovalScope.of(fiber)?.approvals;
  const approvals = run.extras.approvals ?? run.options.approvals ?? inherited;
  if (approvals === undefined) return undefined;
  const { agent, name, window, sink } = run;
  const scope = { approvals, agent, run: name, window, sink, stepOptions: run.options.runOptions };
  return new ToolGate(ApprovalScope.enter(fiber, scope), settings);
}

function durableTools(tools: ToolSet, timeouts: Timeouts, run: AgentRun, gate: ToolGate | undefined): ToolSet {
  run.sink?.tools?.(tools);
  run.callingTools = new Set(Object.keys(tools).filter((name) => isContextTool(tools[name] ?? {})));
  const { autoWrapTools = true, runOptions = {}, toolOptions = {}, toolErrors = "model" } = run.options;
  const host: ToolHost = {
    place: run.place,
    get failure() {
      return run.failure;
    },
    callerSignal: run.callerSignal,
    errorPolicy: toolErrors,
    window: run.window,
    rollback: run.rollback,
    redact: run.options.redact,
    barrier: (place) => run.barrier(place),
    codec: (step) => run.codec(valueForm, step),
    nextToolStep: (toolName, toolCallId) => run.nextToolStep(toolName, toolCallId),
    fail: (error) => run.fail(error),
    kill: (error) => run.kill(error),
    throwIfFailed: () => run.throwIfFailed(),
    entered: (fiber, toolCallId) => run.entered(fiber, toolCallId),
    track: (call) => run.track(call),
    timeoutMs: (toolName) => timeouts.tool(toolName),
    onOutput: async (event) => {
      await notify(run, event);
      await run.live(event);
    },
    live: async (event) => void (await run.live(event)),
    settled: (event) => run.settled(event),
    admit: gate === undefined ? undefined : (call, place) => gate.admit(call, place),
    executing: (toolCallId) => run.events?.executing(toolCallId),
    trace: (toolName, toolCallId, description) => run.trace?.toolTrace(toolName, toolCallId, description),
  };
  const entries = Object.entries(tools).map(([name, tool]) => {
    const own: ToolOptions = { wrap: autoWrapTools, ...runOptions, ...sourceOptions(tool), ...toolOptions[name] };
    return [name, journalTool(name, withCompiledSchema(gate?.prepare(tool as Tool) ?? (tool as Tool)), own, host)];
  });
  return Object.fromEntries(entries) as ToolSet;
}

/** A reader that fails must never cost a step. */
export async function notify(run: AgentRun, event: AgentStreamEvent): Promise<void> {
  try {
    await run.options.onStreamEvent?.(event);
  } catch (error) {
    run.place.invocation.sdkContext.console.warn(`onStreamEvent of agent "${run.name}" failed`, error);
  }
}

type Downloads = Awaited<ReturnType<DownloadFunction>>;
type DownloadRequests = Parameters<DownloadFunction>[0];

/** Files that a model cannot fetch itself are downloaded in a step, once a run. */
function durableDownload(own: DownloadFunction | undefined, run: AgentRun): DownloadFunction {
  const download: DownloadFunction = own ?? createDownload();
  const known = new Map<string, Downloads[number]>();
  return async (requests) => {
    const keys = requests.map(({ url, isUrlSupportedByModel }) => `${isUrlSupportedByModel} ${url.href}`);
    const wanted = requests.filter((request, index) => needsDownload(request, own) && !known.has(keys[index] ?? ""));
    if (wanted.length > 0) {
      const results = await downloadInStep(download, wanted, run);
      for (const [index, request] of wanted.entries()) {
        known.set(keys[requests.indexOf(request)] ?? "", results[index] ?? null);
      }
    }
    return keys.map((key) => known.get(key) ?? null);
  };
}

/** The AI SDK's own function leaves URLs that the model supports to the model; a user's may do otherwise. */
function needsDownload(request: DownloadRequests[number], own: DownloadFunction | undefined): boolean {
  return own !== undefined || !request.isUrlSupportedByModel;
}

async function downloadInStep(
  download: DownloadFunction,
  requests: DownloadRequests,
  run: AgentRun,
): Promise<Downloads> {
  const name = run.nextDownloadStep();
  const action = async ({ signal }: { signal: AbortSignal }): Promise<unknown> =>
    await download(requests.map((request) => ({ ...request, abortSignal: signal })));
  return (await run.steps.step(name, action, run.codec(valueForm, name), run.options.runOptions)) as Downloads;
}
