import type { Tool, ToolSet } from "ai";
import type { Approvals } from "../approvals/approvals.ts";
import { DefinitionError } from "../errors/definition-error.ts";
import { type Budget, checkBudget } from "./budget/budget.ts";
import type { Redact } from "../encryption/redact.ts";
import { type BlobOptions, Blobs } from "../journal/blobs.ts";
import { type JournalLimits, JournalSize } from "../journal/journal-size.ts";
import { DEFAULT_WINDOW, type Window } from "../journal/run-ahead.ts";
import { retryBoundsProblem } from "../journal/retry-bounds.ts";
import type { StepOptions } from "../journal/step-host.ts";
import type { LimitUse } from "./limits/permit.ts";
import type { StreamEvent } from "../model/stream-event.ts";
import type { OnRollbackFailed } from "../tools/rollback/rollback-scope.ts";
import { rollbackProblem } from "../tools/rollback/tool-rollback.ts";
import type { ToolErrorPolicy, ToolOptions } from "../tools/tool-options.ts";
import { sourcesIn, type ToolSource } from "../tools/tool-source.ts";
import type { ToolOutputEvent } from "../tools/journal-tool.ts";

/** A live event of a run, sent from inside the journaled step that it belongs to. */
export type AgentStreamEvent = StreamEvent | ToolOutputEvent;

type OptionsOf<TOOL> =
  TOOL extends Tool<infer INPUT, infer OUTPUT, infer _CONTEXT> ? ToolOptions<INPUT, OUTPUT> : ToolOptions;

/** What is ours about an agent; the second argument of `RestateAgent`. */
export interface RestateAgentOptions<TOOLS extends ToolSet = ToolSet> {
  /** The agent's name in step names. Default: the `id` of its settings. */
  readonly id?: string;
  /** Runs each plain tool as one journaled step. Default true. */
  readonly autoWrapTools?: boolean;
  /** Retry bounds of model steps, and the default of tool steps. Default: the invocation's retry policy. */
  readonly runOptions?: StepOptions;
  /** Options per tool. */
  readonly toolOptions?: { readonly [NAME in keyof TOOLS]?: OptionsOf<TOOLS[NAME]> };
  /** Called for each tool call that a failed run should have undone (`onRollback` of its tool), and has not. */
  readonly onRollbackFailed?: OnRollbackFailed;
  /**
   * Who is asked before tools that need an approval (`needsApproval`, `toolApproval`). The run waits, costing nothing, until
   * somebody answers; without it the run ends with the request, as the AI SDK does it. Agents inside its tools inherit it.
   */
  readonly approvals?: Approvals;
  /** What a tool's `TerminalError` does: `"model"` (default) tells the model, `"fail"` ends the run with it. */
  readonly toolErrors?: ToolErrorPolicy;
  /**
   * Called with live parts from inside the journaled steps, in order. Not called on replay. Every attempt of a
   * model step begins with a `reset` event: drop what came before of that step. With it, `generate()` streams from
   * the provider too. What it throws is ignored.
   */
  readonly onStreamEvent?: (event: AgentStreamEvent) => void | PromiseLike<void>;
  /**
   * How far steps may run ahead of their acknowledgements on Workers, where each acknowledgement costs a request; `false`:
   * not at all. Bounds that are left out have their defaults: 128 steps, 30 seconds, 1 MiB. Side effects are not
   * touched by it: a tool that is not `readOnly` begins when all before it is durable. While a window is open the run
   * does not hear of a cancellation or of its `timeout.totalMs`, so `ms` bounds how late it does.
   */
  readonly window?: Partial<Window> | false;
  /** MCP servers whose tools the agent has too. `...mcpTools(server)` among its tools is the same, with options. */
  readonly mcp?: readonly ToolSource[];
  /** Where large binary content of models and tools goes. Default: into the journal. */
  readonly blobs?: BlobOptions;
  /** How large the invocation's journal may grow. Default: it warns above 4 MiB, and fails above 16 MiB. */
  readonly journal?: JournalLimits;
  /**
   * What each run may use, the agents in its tools included: model calls, tokens, money, time. One call can have other
   * bounds: `generate({ prompt, budget })`. Default: no bound.
   */
  readonly budget?: Budget;
  /**
   * Limits that each model call needs a permit of, such as a provider's or a tenant's: what `rateLimit()` made, or one of its
   * keys. Who waits is suspended. It costs two messages and a wait for each model call, and its steps do not run ahead.
   * Default: none.
   */
  readonly limits?: readonly (LimitUse | LimitUse["limit"])[];
  /**
   * Sees each text of models and tools before it is stored, streamed or traced, and says what is kept of it. What is not kept,
   * the model does not see again either. Live text comes a block at a time then. Default: all is kept.
   */
  readonly redact?: Redact;
  /** Outside of a handler: `"error"` (default) throws, `"plain"` runs as an ordinary `ToolLoopAgent`. */
  readonly outsideHandler?: "error" | "plain";
}

/** Checks the options when the agent is defined, not in the middle of a run. */
export function checkOptions(id: string | undefined, tools: ToolSet | undefined, options: RestateAgentOptions): string {
  if (id === undefined || id.trim() === "") {
    throw new DefinitionError('Cannot define an agent without a name: set "id", it is part of its step names');
  }
  const known = new Set(Object.keys(tools ?? {}));
  const hasSources = sourcesIn(tools).length > 0 || (options.mcp ?? []).length > 0;
  for (const [name, toolOptions] of Object.entries(options.toolOptions ?? {})) {
    // What an MCP server has shows only in a run.
    if (!known.has(name) && !hasSources) {
      throw new DefinitionError(
        `Cannot define agent "${id}": toolOptions names "${name}", which is not one of its tools`,
      );
    }
    if (typeof toolOptions !== "object" || toolOptions === null) {
      throw new DefinitionError(`Cannot define agent "${id}": toolOptions.${name} must be an object`);
    }
    const own = toolOptions as ToolOptions;
    const problem = rollbackProblem(own, tools?.[name]) ?? retryBoundsProblem(own);
    if (problem !== undefined) {
      throw new DefinitionError(`Cannot define agent "${id}": toolOptions.${name}${problem}`);
    }
  }
  const problem = retryBoundsProblem(options.runOptions ?? {});
  if (problem !== undefined) throw new DefinitionError(`Cannot define agent "${id}": runOptions${problem}`);
  checkWindow(id, options.window);
  void new JournalSize(options.journal);
  if (options.budget !== undefined) checkBudget(`agent "${id}"`, options.budget);
  if (options.blobs !== undefined) void new Blobs(options.blobs);
  return id;
}

function checkWindow(id: string, window: RestateAgentOptions["window"]): void {
  for (const [name, value] of Object.entries(window === false ? {} : (window ?? {}))) {
    if (Object.hasOwn(DEFAULT_WINDOW, name) && Number.isSafeInteger(value) && value > 0) continue;
    const bounds = Object.keys(DEFAULT_WINDOW).join(", ");
    throw new DefinitionError(
      `Cannot define agent "${id}": window takes positive integers for ${bounds}: current value of ${name} is ${String(value)}`,
    );
  }
}

/** The bounds that hold for an agent; undefined when its steps never run ahead. */
export function windowOf({ window = {} }: RestateAgentOptions): Window | undefined {
  return window === false ? undefined : { ...DEFAULT_WINDOW, ...window };
}
