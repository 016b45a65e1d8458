/** A command line that cannot be read. People get the help text for it, machines the same kind of document as for every failure. */
import { Redactor } from "./redact.ts";

/** True when the arguments ask for one JSON document. */
export function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).includes("--json");
}

/** The document for arguments that cannot be read. `message` is commander's, which may quote them. */
export function usageDocument(
  args: readonly string[],
  message: string,
  commands: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const command = args.find((arg) => commands.includes(arg));
  // Without a command, commander prints its help text, and calls it "(outputHelp)".
  const said = message.startsWith("(") ? "A command is missing" : message.replace(/^error: /, "");
  const hint = `restate-edge-agents ${command === undefined ? "" : `${command} `}--help lists what there is`;
  const error = { code: "usage", message: new Redactor(environment).clean(said), hint };
  return `${JSON.stringify({ command, ok: false, error }, undefined, 2)}\n`;
}
