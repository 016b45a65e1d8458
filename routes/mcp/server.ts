/** The MCP server of one request. */
import { McpServer, type ServerContext } from "@modelcontextprotocol/server";
import type { Context } from "hono";
import { z } from "zod";
import { pause } from "../../src/http/pause.ts";
import type { FlowControlOf } from "../agents/flow-control.ts";
import { keySpaceOf, type KeySpace } from "../agents/key-space.ts";
import type { Targets } from "../agents/targets.ts";
import { logFailure } from "../operations/failures.ts";
import type { Log } from "../operations/log.ts";
import { isProblem, problemCodeOf } from "../problem.ts";
import { awaitRun, callAgent, type ToolAnswer } from "./call-agent.ts";
import { type ExposedAgent, RESULT_TOOL } from "./exposed-agent.ts";

/** What the server is made of. */
export interface ServerFacts {
  readonly agents: readonly ExposedAgent[];
  readonly targets: Targets;
  readonly name: string;
  readonly version: string;
  readonly instructions: string | undefined;
  readonly waitMs: number;
  readonly maxWaitMs: number;
  /** True when `auth` stands in for the API keys. */
  readonly hasAuth: boolean;
  readonly flowControl: FlowControlOf | undefined;
  /** Told of failures that nobody expected. */
  readonly log: Log;
}

/** How often who asks for it is told that a run goes on, in milliseconds. */
const PROGRESS_MS = 5_000;

/** Built for each request: it calls for that request's caller, with its settings. */
export function serverFor(context: Context, facts: ServerFacts): McpServer {
  const { name, version, instructions, agents } = facts;
  const server = new McpServer({ name, version }, instructions === undefined ? {} : { instructions });
  for (const agent of agents) {
    const { title, description, readOnly, input } = agent;
    const config = {
      ...(title === undefined ? {} : { title }),
      description,
      inputSchema: input,
      ...(readOnly === undefined ? {} : { annotations: { readOnlyHint: readOnly } }),
    };
    server.registerTool(agent.name, config, async (given, { mcpReq }) =>
      answering(context, facts, mcpReq, () => callAgent(context, facts, agent, { input: given, meta: mcpReq._meta })),
    );
  }
  server.registerTool(
    RESULT_TOOL,
    {
      description: "Waits for the result of a run that had not ended when its tool answered, and went on.",
      inputSchema: startedRun,
      annotations: { readOnlyHint: true },
    },
    async (given, { mcpReq }) => answering(context, facts, mcpReq, () => awaitRun(context, facts, given, mcpReq._meta)),
  );
  return server;
}

const startedRun = z.object({
  tool: z.string().describe("The tool that has begun the run"),
  run: z.string().min(1).max(255).describe("The run, as that tool has named it"),
  conversation: z.string().optional().describe("The conversation, if that tool has one"),
});

/** The part of a request's context that is used here. */
type Asking = Pick<ServerContext["mcpReq"], "_meta" | "notify">;

/** What a call answers. Meanwhile whoever asks for it is told that the run goes on. */
async function answering(
  context: Context,
  facts: ServerFacts,
  { _meta, notify }: Asking,
  call: () => Promise<ToolAnswer>,
): Promise<ToolAnswer> {
  const { progressToken } = _meta ?? {};
  const stop = new AbortController();
  const report = async (progress: number): Promise<void> => {
    if (progressToken === undefined) return;
    const params = { progressToken, progress, message: "The run goes on" };
    await notify({ method: "notifications/progress", params });
  };
  try {
    const answer = call();
    void repeat(report, stop.signal);
    return await answer;
  } catch (error) {
    if (isProblem(error)) return refusal(error, await keySpaceOf(context, facts.hasAuth));
    logFailure(facts.log, error, context);
    throw new Error("The agent could not be called; the log of this app says why", { cause: error });
  } finally {
    stop.abort();
  }
}

/** Calls `action` with the seconds that have passed, until the signal. What goes wrong in it ends that. */
async function repeat(action: (seconds: number) => Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    for (let n = 1; !signal.aborted; n++) {
      await pause(PROGRESS_MS, signal);
      if (!signal.aborted) await action((n * PROGRESS_MS) / 1_000);
    }
  } catch {
    // Whoever is not there any more needs no progress.
  }
}

/** Only what this library says of itself is told. It may quote the key under which Restate has the caller's conversation. */
function refusal(error: unknown, keys: KeySpace): ToolAnswer {
  const text = error instanceof Error ? keys.hide(error.message) : "The agent could not be called";
  return { isError: true, content: [{ type: "text", text }], structuredContent: { code: problemCodeOf(error) } };
}
