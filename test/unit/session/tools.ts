/** A tool whose effects can be counted. */
import { jsonSchema, tool } from "ai";

/** What was looked at, in order. */
export const looks: string[] = [];

export const lookTool = tool({
  inputSchema: jsonSchema<{ id: string }>({ type: "object", properties: { id: { type: "string" } } }),
  execute: async ({ id }) => {
    looks.push(id);
    return `seen ${id}`;
  },
});

/** A tool that a client would have to run. */
export const askTool = tool({
  inputSchema: jsonSchema<object>({ type: "object", properties: {} }),
  outputSchema: jsonSchema<string>({ type: "string" }),
});
