import { readFile } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { usageError } from "../tool/tool-error.ts";

/** Where the input of a handler comes from; at most one. */
export interface BodySource {
  /** JSON. */
  readonly body?: string | undefined;
  /** Path of a file with JSON; `-` is standard input. */
  readonly bodyFile?: string | undefined;
}

/**
 * The input as JSON text; undefined for none. Standard input is read with `--body-file -`.
 *
 * @throws ToolError `invalid-body`, `invalid-flag`
 */
export async function readBody(source: BodySource, stdin: Readable, signal: AbortSignal): Promise<string | undefined> {
  const { body, bodyFile } = source;
  if (body !== undefined && bodyFile !== undefined) {
    throw usageError("invalid-flag", "Cannot take the input from --body and from --body-file", "Give one of them");
  }
  if (body !== undefined) return checked(body, "--body");
  if (bodyFile === undefined) return undefined;
  return checked(await contentOf(bodyFile, stdin, signal), bodyFile === "-" ? "standard input" : bodyFile);
}

async function contentOf(path: string, stdin: Readable, signal: AbortSignal): Promise<string> {
  try {
    return path === "-"
      ? await text(addAbortSignal(signal, stdin))
      : await readFile(path, { encoding: "utf8", signal });
  } catch (error) {
    signal.throwIfAborted();
    throw usageError("invalid-body", `Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function checked(content: string, from: string): string {
  try {
    JSON.parse(content);
    return content;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw usageError(
      "invalid-body",
      `Cannot use ${from}: it is no JSON: ${reason}`,
      `A text is JSON in quotes: --body '"Hello"'`,
    );
  }
}
