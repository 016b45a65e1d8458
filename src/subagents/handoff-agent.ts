/**
 * Several agents as one: whoever has the conversation answers, and may pass it on to another, who then goes on with all that
 * was said. It is one run of the AI SDK's loop, whose model, instructions and tools are those of the agent that has the
 * conversation; so one result, one stream, one usage, and one session.
 *
 * - H1 Who has the conversation follows from the conversation: from the last transfer that is in its messages, or the mark that
 *   is left where messages were dropped (src/agent/conversation-mark.ts). So a replay, a later turn of a session and a further
 *   invocation of a long run all know (G2).
 * - H2 A transfer is a tool without effect: nothing of it is journaled but the model's call, and, where one of the agents has a
 *   function for `toolApproval`, that nobody was asked.
 */
import {
  type ModelMessage,
  type StopCondition,
  isStepCount,
  type LanguageModel,
  tool,
  type Tool,
  type ToolSet,
} from "ai";
import { z } from "zod";
import type { RestateAgentOptions } from "../agent/agent-options.ts";
import { type ConversationMark, keepMark, markerOf, markIn, setMarker } from "../agent/conversation-mark.ts";
import { optionsOf, RestateAgent } from "../agent/restate-agent.ts";
import { policyOf } from "../approvals/tool-policy.ts";
import { DefinitionError } from "../errors/definition-error.ts";
import type { ToolOptions } from "../tools/tool-options.ts";
import {
  LOADED,
  type Loaded,
  type LoadedTools,
  sourcesIn,
  type ToolSource,
  withInstructions,
} from "../tools/tool-source.ts";

/** An agent whose types nobody needs here. */
export interface HandoffMember {
  readonly name: string;
  readonly version: string;
}

/** What `handoffAgent()` is made of. */
export interface HandoffSettings {
  /** Name of the whole in step names. */
  readonly id: string;
  /** The agents, by the names that they call each other. The first one begins. */
  readonly agents: Readonly<Record<string, HandoffMember>>;
  /** Who may pass the conversation to whom. Default: each to all others. */
  readonly handoffs?: Readonly<Record<string, readonly string[]>> | undefined;
  /** What each is for: tells the others' models when to pass the conversation on. */
  readonly descriptions?: Readonly<Record<string, string>> | undefined;
  /** When the run ends. Default: after 20 steps. */
  readonly stopWhen?: StopCondition<ToolSet, Record<string, unknown>> | undefined;
}

type Settings = Readonly<Record<string, unknown>>;
type PrepareStep = (step: StepFacts) => unknown;
interface StepFacts {
  readonly messages: readonly ModelMessage[];
  readonly [LOADED]?: Loaded;
}
/** What the AI SDK asks a function for `toolApproval`. */
interface ApprovalCall {
  readonly toolCall: { readonly toolName: string; readonly toolCallId: string; readonly input: unknown };
  readonly messages: readonly ModelMessage[];
  readonly tools: ToolSet;
  readonly toolsContext: Readonly<Record<string, unknown>> | undefined;
  readonly runtimeContext: unknown;
}

/** What of an agent's settings holds for each of its steps. */
const OF_STEP = [
  "maxOutputTokens",
  "temperature",
  "topP",
  "topK",
  "presencePenalty",
  "frequencyPenalty",
  "stopSequences",
  "seed",
  "reasoning",
  "providerOptions",
  "toolChoice",
] as const;
/** What one run can only have once. */
const OF_RUN = ["output", "prepareCall", "callOptionsSchema"] as const;
/** Options that would be lost: those of the whole hold. */
const OPTIONS_OF_WHOLE = ["approvals", "budget", "limits", "onRollbackFailed", "redact"] as const;

/**
 * Makes one agent of several that pass the conversation to each other: each model is given a tool `transfer_to_<name>` for
 * every agent that it may pass it to. Of the agents hold their model, instructions, tools with their options, call
 * settings, `prepareStep`, `toolApproval` and MCP servers; everything else is said of the whole. A tool is there while an agent
 * that has it has the conversation.
 *
 * @param options Of the whole: the agents' `toolOptions` come first, all else is here. Tools of its `mcp` are everybody's.
 * @throws DefinitionError when the agents do not fit together, such as two different tools of one name.
 *
 * @example
 * ```ts
 * const desk = handoffAgent({
 *   id: "desk",
 *   agents: { triage, refunds, sales },
 *   descriptions: { refunds: "Pays money back", sales: "Sells things" },
 * });
 * export const chat = agentSession("Desk", desk);
 * ```
 */
export function handoffAgent(
  settings: HandoffSettings,
  options: RestateAgentOptions = {},
): RestateAgent<never, ToolSet> {
  const team = new Team(settings, options.mcp ?? []);
  const [first] = team.names;
  const start = team.settings(first);
  const prepareStep = async (step: StepFacts): Promise<object> => team.prepare(step);
  setMarker(prepareStep, (messages) => team.mark(messages));
  return new RestateAgent<never, ToolSet>(
    {
      id: settings.id,
      model: start["model"] as LanguageModel,
      tools: team.tools,
      toolApproval: team.toolApproval as never,
      stopWhen: settings.stopWhen ?? isStepCount(20),
      prepareStep,
    },
    { ...options, mcp: team.sources, toolOptions: { ...team.toolOptions, ...options.toolOptions } },
  );
}

class Team {
  readonly names: readonly [string, ...string[]];
  readonly tools: ToolSet = {};
  readonly toolOptions: Record<string, ToolOptions> = {};
  readonly #approvals: Record<string, unknown> = {};
  readonly #judged = new Set<string>();
  #hasPolicies = false;
  readonly #ofAll: readonly ToolSource[];
  readonly #ofMember = new Map<string, readonly ToolSource[]>();
  readonly #id: string;
  readonly #members: readonly HandoffMember[];
  readonly #settings: ReadonlyMap<string, Settings>;
  readonly #handoffs: HandoffSettings["handoffs"];

  constructor({ id, agents, handoffs, descriptions = {} }: HandoffSettings, ofAll: readonly ToolSource[]) {
    this.#ofAll = ofAll;
    this.#id = id;
    this.#members = Object.values(agents);
    this.#handoffs = handoffs;
    const [first, ...others] = Object.keys(agents);
    if (first === undefined || others.length === 0) throw this.#error("it takes two agents or more");
    this.names = [first, ...others];
    this.#settings = new Map(Object.entries(agents).map(([name, agent]) => [name, this.#settingsOf(name, agent)]));
    for (const [from, to] of Object.entries(handoffs ?? {})) {
      const unknown = [from, ...to].find((name) => !this.names.includes(name));
      if (unknown !== undefined) throw this.#error(`handoffs names "${unknown}", which is not one of its agents`);
    }
    for (const [name, agent] of Object.entries(agents)) this.#join(name, agent);
    for (const name of this.names) this.#addTransfer(name, descriptions[name]);
  }

  settings(name: string): Settings {
    return this.#settings.get(name) ?? {};
  }

  /** The settings of the next step: those of the agent that has the conversation. */
  async prepare(step: StepFacts): Promise<object> {
    const name = this.#holder(step.messages);
    const settings = this.settings(name);
    const prepareStep = settings["prepareStep"] as PrepareStep | undefined;
    const own = ((await prepareStep?.(step)) ?? {}) as Settings;
    const loaded = this.#loadedFor(name, step[LOADED]);
    const known = [settings["tools"] ?? {}, ...loaded.map(({ tools: some }) => some)].flatMap(Object.keys);
    const tools = (own["activeTools"] ?? settings["activeTools"] ?? known) as string[];
    const instructions = settings["instructions"] ?? `You are ${name}.`;
    const transfers = (this.#handoffs?.[name] ?? (this.#handoffs === undefined ? this.names : [])).filter(
      (other) => other !== name,
    );
    const ofStep = OF_STEP.flatMap((key) => (settings[key] === undefined ? [] : [[key, settings[key]] as const]));
    return {
      model: settings["model"],
      // The AI SDK carries instructions forward, so those of the one before have to go.
      instructions,
      ...withInstructions({ instructions }, loaded),
      ...Object.fromEntries(ofStep),
      ...own,
      // What it drops stays dropped for the steps to come.
      ...(own["messages"] === undefined
        ? {}
        : {
            messages: keepMark((messages) => this.mark(messages), step.messages, own["messages"] as ModelMessage[]),
          }),
      activeTools: [...tools, ...transfers.map(transferName)],
    };
  }

  /** All that may have tools, each once. */
  get sources(): readonly ToolSource[] {
    return [...new Set([...this.#ofMember.values(), this.#ofAll].flat())];
  }

  /** As each of them has it for its own tools. A function for all of them is only there when one of them has one: it costs a step. */
  get toolApproval(): unknown {
    return this.#hasPolicies ? async (call: ApprovalCall) => this.#policy(call) : this.#approvals;
  }

  async #policy({ toolCall, messages, ...given }: ApprovalCall): Promise<unknown> {
    const { toolName } = toolCall;
    if (this.names.some((name) => transferName(name) === toolName)) return undefined;
    const { toolApproval } = this.settings(this.#holder(messages));
    const context = given.toolsContext?.[toolName];
    const policy = policyOf({ ...given, toolApproval }, { ...toolCall, messages, context });
    return typeof policy === "function" ? await policy() : policy;
  }

  #loadedFor(name: string, loaded: Loaded | undefined): LoadedTools[] {
    const own = new Set([...(this.#ofMember.get(name) ?? []), ...this.#ofAll]);
    return [...own].flatMap((source) => loaded?.get(source) ?? []);
  }

  /** What must survive when messages are dropped; an agent of several may itself be of several. */
  mark(messages: readonly ModelMessage[]): ConversationMark {
    const inner = this.#members.map((agent) => markerOf(agent)?.(messages) ?? {});
    return Object.assign({}, ...inner, { [this.#id]: this.#holder(messages) }) as ConversationMark;
  }

  /** H1 */
  #holder(messages: readonly ModelMessage[]): string {
    for (const message of messages.toReversed()) {
      const marked = markIn(message, this.#id);
      if (marked !== undefined && this.names.includes(marked)) return marked;
      if (message.role !== "tool") continue;
      for (const part of message.content.toReversed()) {
        if (part.type !== "tool-result" || FAILED.has(part.output.type)) continue;
        const name = this.names.find((candidate) => transferName(candidate) === part.toolName);
        if (name !== undefined) return name;
      }
    }
    return this.names[0];
  }

  #settingsOf(name: string, agent: object): Settings {
    if (!(agent instanceof RestateAgent)) throw this.#error(`"${name}" is not a RestateAgent`);
    const { settings = {} } = agent as unknown as { readonly settings?: Settings };
    const wrong = OF_RUN.find((key) => settings[key] !== undefined);
    if (wrong !== undefined) throw this.#error(`"${name}" has ${wrong}, which only a whole run can have`);
    return settings;
  }

  #join(name: string, agent: object): void {
    const { tools = {}, toolApproval } = this.settings(name) as { tools?: ToolSet; toolApproval?: unknown };
    for (const [toolName, own] of Object.entries(tools)) {
      if (Object.hasOwn(this.tools, toolName) && this.tools[toolName] !== own) {
        throw this.#error(`two of its agents have different tools named "${toolName}"`);
      }
      this.tools[toolName] = own;
    }
    const options = optionsOf(agent);
    this.#ofMember.set(name, [...sourcesIn(tools), ...(options.mcp ?? [])]);
    const lost = OPTIONS_OF_WHOLE.find((key) => options[key] !== undefined);
    if (lost !== undefined) throw this.#error(`"${name}" has the option ${lost}: say it of the whole`);
    this.#addApprovals(toolApproval, tools);
    Object.assign(this.toolOptions, options.toolOptions);
  }

  #addApprovals(toolApproval: unknown, tools: ToolSet): void {
    const own = (typeof toolApproval === "function" ? {} : (toolApproval ?? {})) as Record<string, unknown>;
    // Two of them may have one tool, and see it differently.
    const differs = [...Object.keys(tools), ...Object.keys(own)].some(
      (tool) => this.#judged.has(tool) && this.#approvals[tool] !== own[tool],
    );
    this.#hasPolicies ||= typeof toolApproval === "function" || differs;
    for (const tool of [...Object.keys(tools), ...Object.keys(own)]) this.#judged.add(tool);
    Object.assign(this.#approvals, own);
  }

  #addTransfer(name: string, description: string | undefined): void {
    const transfer = transferName(name);
    if (Object.hasOwn(this.tools, transfer)) throw this.#error(`the name of the tool "${transfer}" is taken`);
    this.tools[transfer] = tool({
      description: `Pass the conversation to ${name}, who then answers.${description === undefined ? "" : ` ${description}`}`,
      inputSchema: z.object({}),
      execute: async () => `The conversation is now with ${name}.`,
    }) as Tool;
    this.toolOptions[transfer] = { wrap: false, readOnly: true };
  }

  #error(problem: string): DefinitionError {
    return new DefinitionError(`Cannot make the agent "${this.#id}" of several: ${problem}`);
  }
}

const FAILED: ReadonlySet<string> = new Set(["error-text", "error-json", "execution-denied"]);

function transferName(agent: string): string {
  return `transfer_to_${agent}`;
}
