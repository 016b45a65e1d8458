/**
 * Tool schemas are compiled once in the life of the module. The AI SDK converts every tool's schema to JSON Schema
 * before every model call, also before those that a replay answers from the journal.
 */
import { asSchema, type FlexibleSchema, type Schema, type Tool } from "ai";

const compiled = new WeakMap<object, Schema>();

/** The tool with an input schema that is compiled when it is first needed, and kept. */
export function withCompiledSchema(tool: Tool): Tool {
  const schema = tool.inputSchema as FlexibleSchema | undefined;
  if (schema === undefined) return tool;
  return { ...tool, inputSchema: () => compiledSchema(schema) };
}

/** As the AI SDK's `asSchema`, with the same answer each time: it holds the JSON Schema, once that was asked for. */
function compiledSchema(schema: FlexibleSchema): Schema {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const made = asSchema<unknown>(schema);
  compiled.set(schema, made);
  return made;
}
