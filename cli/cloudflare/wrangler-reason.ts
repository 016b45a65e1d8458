/** What wrangler says of a failure, without what surrounds it: colours, stack traces, frames of code, hints for its authors. */
import { stripVTControlCharacters } from "node:util";

const MARK = "[ERROR]";
const FRAME = /[│╵]/;
const STACK = /^\s*at .+:\d+:\d+\)?$/;
const FOR_ITS_AUTHORS = /If you think this is a bug|Logs were written to/;
/** When Cloudflare refuses a token, wrangler asks whose it is, and fails with that too. */
const ASKED_AFTERWARDS = /\(\/(?:user|memberships)\b[^)]*\) failed/;
/** Longest account of one error, and of all, in lines. */
const LINES_OF_ONE = 5;
const LINES = 20;

/** The errors in wrangler's log: each is its line, from `[ERROR]` on, and the indented lines below that explain it. */
export function wranglerErrors(log: string): readonly string[] {
  const errors: string[][] = [];
  let isInside = false;
  for (const line of plainLines(log)) {
    const at = line.indexOf(MARK);
    if (at !== -1) errors.push([line.slice(at)]);
    isInside = at !== -1 || (isInside && /^\s/.test(line));
    if (at !== -1 || !isInside || FRAME.test(line) || FOR_ITS_AUTHORS.test(line)) continue;
    const error = errors.at(-1);
    if (error !== undefined && error.length < LINES_OF_ONE) error.push(`  ${line.trim()}`);
  }
  const first = errors.filter(([head = ""]) => !ASKED_AFTERWARDS.test(head));
  return (first.length > 0 ? first : errors).map((error) => error.join("\n"));
}

/** The cause of a failure: wrangler's errors, or the end of its log when it has none. */
export function wranglerCause(log: string): string {
  const errors = wranglerErrors(log);
  const lines =
    errors.length > 0 ? errors.join("\n").split("\n").slice(0, LINES) : plainLines(log).slice(-LINES_OF_ONE);
  return lines.join("\n");
}

/** The cause in one line: the last error, which is the most precise one. */
export function wranglerReason(message: string): string {
  const [head, detail] = wranglerErrors(message).at(-1)?.split("\n") ?? [];
  if (head !== undefined) {
    // Of a request that failed, only what was answered tells why.
    const said = detail !== undefined && head.endsWith("failed.") ? `${head} ${detail.trim()}` : head;
    return said.slice(MARK.length).trim().slice(0, 200);
  }
  const lines = plainLines(message).map((line) => line.trim());
  return (lines.findLast((line) => /error/i.test(line)) ?? lines[0] ?? "").slice(0, 200);
}

function plainLines(text: string): string[] {
  return (
    stripVTControlCharacters(text)
      // oxlint-disable-next-line no-control-regex -- What remains of them would garble a terminal or a log.
      .replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F]/g, "")
      .split("\n")
      .map((line) => line.trimEnd())
      .filter((line) => line !== "" && !STACK.test(line))
  );
}
