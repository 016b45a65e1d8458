import { stripVTControlCharacters } from "node:util";

/** What wrangler itself says in the message of a `wrangler-failed`: its last error, which is the most precise one. */
export function wranglerReason(message: string): string {
  const [first = "", ...log] = stripVTControlCharacters(message)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const said = log.findLast((line) => line.includes("[ERROR]")) ?? log.findLast((line) => /error/i.test(line)) ?? first;
  return said.replace(/^.*\[ERROR\]\s*/, "").slice(0, 200);
}
