/**
 * What agents that run elsewhere have said so far, put together: each reports its own message, and what was called inside
 * shows in the message of who has called it, as preliminary output of that call.
 */
import type { UIMessage } from "ai";
import type { CallPath } from "./reader-address.ts";

/** Messages by their place, the one that was reported last at the end. */
export type ProgressNodes = Readonly<Record<string, UIMessage>>;

/** Most that is kept, in characters of its JSON; what was reported first goes first. */
const MAX_KEPT = 256 * 1024;

/** The nodes when `message` was reported at `path`. */
export function withReport(nodes: ProgressNodes, path: CallPath, message: UIMessage): ProgressNodes {
  const key = keyOf(path);
  const { [key]: _, ...rest } = nodes;
  const entries = [...Object.entries(rest), [key, message] as const];
  let size = entries.reduce((sum, [, kept]) => sum + JSON.stringify(kept).length, 0);
  while (size > MAX_KEPT && entries.length > 1) size -= JSON.stringify(entries.shift()?.[1]).length;
  return Object.fromEntries(entries);
}

/** What the outermost call of `path` shows: one message, of several agents one after the other. */
export function shownOf(nodes: ProgressNodes, path: CallPath): UIMessage | undefined {
  const [outermost] = path;
  return outermost === undefined ? undefined : shownAt(nodes, [], outermost.call);
}

/** What the call `call` inside of `around` shows. */
function shownAt(nodes: ProgressNodes, around: CallPath, call: string): UIMessage | undefined {
  const inside = pathsIn(nodes).flatMap((path): readonly number[] => {
    const at = path[around.length];
    return at?.call === call && isWithin(path, around) ? [at.n] : [];
  });
  const [first, ...others] = [...new Set(inside)]
    .toSorted((a, b) => a - b)
    .map((n) => messageAt(nodes, [...around, { call, n }]));
  return first === undefined ? undefined : { ...first, parts: [first, ...others].flatMap(({ parts }) => parts) };
}

function messageAt(nodes: ProgressNodes, path: CallPath): UIMessage {
  const own = nodes[keyOf(path)];
  // It has not said anything, or that is not kept any more.
  if (own === undefined) return { id: `${path.at(-1)?.call}-agent`, role: "assistant", parts: insideOf(nodes, path) };
  const parts = own.parts.map((part) => {
    if (!("toolCallId" in part) || hasEnded(part)) return part;
    const output = shownAt(nodes, path, part.toolCallId);
    return output === undefined ? part : { ...part, state: "output-available", output, preliminary: true };
  });
  return { ...own, parts: parts as UIMessage["parts"] };
}

function insideOf(nodes: ProgressNodes, path: CallPath): UIMessage["parts"] {
  const inside = pathsIn(nodes).flatMap((one) => (isWithin(one, path) ? [one[path.length]?.call ?? ""] : []));
  return [...new Set(inside)].flatMap((call) => shownAt(nodes, path, call)?.parts ?? []);
}

function hasEnded(part: { readonly state?: unknown; readonly preliminary?: unknown }): boolean {
  const { state } = part;
  return (
    state === "output-error" || state === "output-denied" || (state === "output-available" && part.preliminary !== true)
  );
}

function pathsIn(nodes: ProgressNodes): readonly CallPath[] {
  return Object.keys(nodes).map((key) => JSON.parse(key) as CallPath);
}

function isWithin(path: CallPath, around: CallPath): boolean {
  return path.length > around.length && keyOf(path.slice(0, around.length)) === keyOf(around);
}

function keyOf(path: CallPath): string {
  return JSON.stringify(path.map(({ call, n }) => ({ call, n })));
}
