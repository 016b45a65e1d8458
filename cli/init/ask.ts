import { select, text } from "@clack/prompts";
import { EXIT } from "../tool/exit-codes.ts";
import { ToolError, usageError } from "../tool/tool-error.ts";
import { problemOfName } from "./project-folder.ts";
import type { Platform } from "./template-files.ts";

/** What a new project needs to be told. */
export interface Answers {
  readonly name: string;
  readonly platform: Platform;
}

/** @throws ToolError `interrupted` */
export async function ask(known: Partial<Answers>, suggestedName: string, signal: AbortSignal): Promise<Answers> {
  const name =
    known.name ??
    answered(
      await text({
        message: "Name of the project, and of its Worker",
        initialValue: suggestedName,
        validate: (value) => problemOfName(value ?? ""),
        signal,
      }),
    );
  const platform =
    known.platform ??
    answered<Platform>(
      await select<Platform>({
        message: "Where will it run?",
        options: [
          { value: "workers", label: "Cloudflare Workers" },
          { value: "deno", label: "Deno" },
        ],
        signal,
      }),
    );
  return { name, platform };
}

/** @throws ToolError `invalid-name` */
export function checkName(name: string): string {
  const problem = problemOfName(name);
  if (problem === undefined) return name;
  throw usageError("invalid-name", `Cannot call a project "${name}": ${problem}`, "Pass another --name");
}

/** Ctrl-C answers with a symbol. */
function answered<T extends string>(answer: T | symbol): T {
  if (typeof answer !== "symbol") return answer;
  throw new ToolError({ code: "interrupted", message: "Interrupted: nothing was written", exitCode: EXIT.interrupted });
}
