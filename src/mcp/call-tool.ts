/** Calls a tool at its server, inside a step. */
import type { CallToolResult } from "@ai-sdk/mcp";
import { pause } from "../http/pause.ts";
import { isJsonObject } from "../journal/json.ts";
import type { NextTry, PausedCall, Pausing } from "../tools/pausing-tool.ts";
import { atServer } from "./connection.ts";
import { type Answer, askUser, ELICITATION, Elicitations, questionsIn } from "./elicitation.ts";
import type { McpClientOptions } from "./mcp-options.ts";

/** Longest time that a server may take to end a call that was cancelled, in milliseconds. */
const END_MS = 5_000;

/**
 * The tool's result: what it says, structured content and `_meta`, errors of its own included.
 *
 * @param answers What was asked for in earlier tries, and answered; undefined: nobody can be asked.
 */
export async function callTool(
  options: McpClientOptions,
  name: string,
  input: unknown,
  signal: AbortSignal | undefined,
  answers?: readonly Answer[],
): Promise<unknown> {
  const asked = answers === undefined ? undefined : new Elicitations(answers);
  return atServer<unknown>(options, {
    operation: `tools/call ${name}`,
    signal,
    elicit: asked?.elicit,
    run: async (client, within) => {
      const call = client.callTool({
        name,
        arguments: isJsonObject(input) ? { ...input } : {},
        options: { signal: within },
      });
      if (asked === undefined) return plain(await call);
      await Promise.race([call.catch(() => undefined), asked.asked]);
      if (asked.open.length === 0) return plain(await call);
      // The server knows that the user has cancelled. What it makes of it is of no interest, but its end is.
      await Promise.race([call.catch(() => undefined), pause(END_MS, within)]);
      return { [ELICITATION]: asked.open };
    },
  });
}

/** No server can pass a result off as a question, nor need anybody know of which protocol it is. */
function plain(result: CallToolResult): unknown {
  const hidden: ReadonlySet<string> = new Set([ELICITATION, "resultType"]);
  const isShown = ([name, value]: [string, unknown]): boolean =>
    !hidden.has(name) && (name !== "isError" || value === true);
  return Object.fromEntries(Object.entries(result).filter(isShown));
}

/** How calls of a tool wait for a person. */
export function pausing(options: McpClientOptions, name: string): Pausing {
  const answers: Answer[] = [];
  return {
    isPaused: (output) => questionsIn(output) !== undefined,
    resume: async (call: PausedCall): Promise<NextTry> => {
      for (const question of questionsIn(call.output) ?? []) answers.push(await askUser(options.name, question, call));
      return (input, { abortSignal }) => callTool(options, name, input, abortSignal, answers);
    },
  };
}
