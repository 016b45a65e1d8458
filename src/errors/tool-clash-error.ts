import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** Two tools of an agent have one name; one of them is of an MCP server, so it shows only in a run. */
export class ToolClashError extends EdgeAgentError {
  override name = "ToolClashError";
  readonly toolName: string;

  constructor(agent: string, toolName: string, one: string, other: string) {
    super({
      errorCode: "tool-clash",
      message: `Cannot run agent "${agent}": ${one} and ${other} both have a tool "${toolName}": set "prefix" for one of them, or leave the tool out with "filter"`,
      fields: { agent, toolName, one, other },
    });
    this.toolName = toolName;
  }

  static override isInstance(error: unknown): error is ToolClashError {
    return hasErrorCode(error, "tool-clash");
  }
}
