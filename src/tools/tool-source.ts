/**
 * Tools that are known only in a run, such as those of an MCP server. Their place among an agent's tools is held by a
 * symbol; each run puts the tools there, by a journaled step, so that they are the same for the whole run and on replay.
 */
import type { Tool, ToolSet } from "ai";
import { ToolClashError } from "../errors/tool-clash-error.ts";
import type { StepCodec, StepHost, StepOptions } from "../journal/step-host.ts";
import type { ToolOptions } from "./tool-options.ts";

/** What loading needs of a run. */
export interface SourceHost {
  /** Runs its steps. */
  readonly steps: StepHost;
  /** The run's name: step names begin with it. */
  readonly run: string;
  readonly stepOptions: StepOptions;
  /** True when a person can be asked in the run. */
  readonly canAsk: boolean;
  /** How the result of a step is stored. */
  codec(step: string): StepCodec<unknown>;
}

/** What a source gives. */
export interface LoadedTools {
  /** Who has them, for messages, such as `MCP server "files"`. */
  readonly from: string;
  readonly tools: ToolSet;
  /** How each runs, unless the agent's own options say otherwise. */
  readonly options: Readonly<Record<string, ToolOptions>>;
  /** What is added to the agent's instructions. */
  readonly instructions?: string | undefined;
}

/**
 * Loads the tools. It declares its steps before it awaits anything, so that several sources load at the same time, in an
 * order that is the same on replay.
 */
export type LoadTools = (host: SourceHost) => PromiseLike<LoadedTools>;

/** What an agent's tools, or its option `mcp`, may hold beside tools. */
export interface ToolSource {
  /** How a run loads them. */
  readonly loadTools: LoadTools;
}

/** Under this key `prepareStep` is told what each source has loaded for the run. */
export const LOADED: unique symbol = Symbol("restate-edge-agents.loaded");

/** What each source has loaded. */
export type Loaded = ReadonlyMap<ToolSource, LoadedTools>;

type Settings = Readonly<Record<string, unknown>>;

/** Options that a loaded tool brings along. */
const options = new WeakMap<object, ToolOptions>();

/** How a tool runs, as its source says. */
export function sourceOptions(tool: object): ToolOptions {
  return options.get(tool) ?? {};
}

/** The sources among an agent's tools, in their order. */
export function sourcesIn(tools: object | undefined): readonly ToolSource[] {
  const symbols = Object.getOwnPropertySymbols(tools ?? {});
  return symbols.map((key) => (tools as Readonly<Record<symbol, unknown>>)[key]).filter(isToolSource);
}

/**
 * The settings of a call with the tools of all sources among them.
 *
 * @throws ToolClashError when two tools have one name.
 */
export async function withLoadedTools(
  settings: Settings,
  more: readonly ToolSource[],
  host: SourceHost,
): Promise<Record<string, unknown>> {
  const own = settings["tools"] as ToolSet | undefined;
  const sources = [...sourcesIn(own), ...more];
  if (sources.length === 0) return settings;
  const loaded = await Promise.all(sources.map(async (source) => source.loadTools(host)));
  const tools = new Map<string, { readonly tool: Tool; readonly from: string }>();
  for (const [name, tool] of Object.entries(own ?? {})) tools.set(name, { tool: tool as Tool, from: "the agent" });
  for (const part of loaded) {
    for (const [name, tool] of Object.entries(part.tools)) {
      const known = tools.get(name);
      if (known !== undefined) throw new ToolClashError(host.run, name, known.from, part.from);
      tools.set(name, { tool: tool as Tool, from: part.from });
      options.set(tool, part.options[name] ?? {});
    }
  }
  return {
    ...settings,
    tools: Object.fromEntries([...tools].map(([name, { tool }]) => [name, tool])),
    ...withInstructions(settings, loaded),
    ...tellingLoaded(
      settings["prepareStep"],
      new Map(loaded.map((part, index) => [sources[index] as ToolSource, part])),
    ),
  };
}

function tellingLoaded(prepareStep: unknown, loaded: Loaded): { readonly prepareStep?: unknown } {
  if (typeof prepareStep !== "function") return {};
  const own = prepareStep as (step: object) => unknown;
  return { prepareStep: (step: object) => own({ ...step, [LOADED]: loaded }) };
}

/** The instructions among the settings, with those of what was loaded; nothing when that has none. */
export function withInstructions(
  settings: Settings,
  loaded: readonly LoadedTools[],
): { readonly instructions?: unknown } {
  const added = loaded.flatMap(({ instructions }) => (instructions === undefined ? [] : [instructions]));
  if (added.length === 0) return {};
  const own = settings["instructions"] ?? settings["system"];
  if (own === undefined) return { instructions: added.join("\n\n") };
  if (typeof own === "string") return { instructions: [own, ...added].join("\n\n") };
  const messages: unknown[] = Array.isArray(own) ? own : [own];
  return { instructions: [...messages, ...added.map((content) => ({ role: "system", content }))] };
}

function isToolSource(value: unknown): value is ToolSource {
  return typeof value === "object" && value !== null && "loadTools" in value;
}
