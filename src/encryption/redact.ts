/**
 * Redaction: a function of the app's sees each text before it is stored, streamed or traced, and says what is kept of it.
 *
 * It is called inside the steps, by the attempt that executes them, and its result is what the journal has: on replay it is
 * not called. What a context tool gives is no step: there it is called in every replay, and must always say the same.
 */
import { TerminalError } from "../restate.ts";
import { type Veil, veilOf } from "./veil.ts";

/** Where a text is from. */
export interface RedactedPlace {
  /**
   * `model`: what the model says, or thinks. `tool-input`: a text in the input of a tool call, as the model gives it, and so
   * as the tool gets it. `tool-output`: a text in what a tool gives, preliminary outputs too, and so what the model gets.
   * `failure`: why a model call or a tool failed. `trace`: a text of the prompt in a span; only with recorded inputs.
   */
  readonly kind: "model" | "tool-input" | "tool-output" | "failure" | "trace";
  /** The tool, of what belongs to one. */
  readonly toolName?: string | undefined;
}

/**
 * What is kept of a text. What it throws fails the step, which is tried again: nothing passes unseen.
 *
 * @example
 * ```ts
 * const redact: Redact = (text) => text.replace(/\b\d{4}(?: ?\d{4}){3}\b/g, "[card]");
 * ```
 */
export type Redact = (text: string, place: RedactedPlace) => string;

/** Every text in a value: of lists and plain objects, at any depth. Names of properties and binary content stay. */
export function redacted(value: unknown, redact: Redact, place: RedactedPlace): unknown {
  return walk(value, (text) => redact(text, place), new Map());
}

/** Texts in JSON; what is none is one text. */
export function redactedJson(json: string, redact: Redact, place: RedactedPlace): string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return redact(json, place);
  }
  const own = redacted(value, redact, place);
  // What did not change stays byte for byte what it was.
  return JSON.stringify(own) === JSON.stringify(value) ? json : JSON.stringify(own);
}

/** The error with its message redacted; it stays what it is otherwise. */
export function redactedError(error: unknown, redact: Redact, toolName?: string): unknown {
  if (!(error instanceof Error)) return error;
  const place: RedactedPlace = { kind: "failure", toolName };
  const message = redact(error.message, place);
  const facts = error instanceof TerminalError ? (error.metadata ?? {}) : {};
  const metadata = Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name, redactedJson(value, redact, place)]),
  );
  const isSame = message === error.message && JSON.stringify(metadata) === JSON.stringify(facts);
  if (isSame && error.cause === undefined) return error;
  const veil: Veil = { message, stack: `${error.name}: ${message}`, cause: undefined };
  return veilOf(error, error instanceof TerminalError ? { ...veil, metadata } : veil);
}

function walk(value: unknown, text: (text: string) => string, known: Map<unknown, unknown>): unknown {
  if (typeof value === "string") return text(value);
  if (typeof value !== "object" || value === null) return value;
  if (known.has(value)) return known.get(value);
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    known.set(value, list);
    for (const item of value) list.push(walk(item, text, known));
    return list;
  }
  if (!isPlain(value)) return value;
  const object: Record<string, unknown> = {};
  known.set(value, object);
  for (const [name, item] of Object.entries(value)) object[name] = walk(item, text, known);
  return object;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
