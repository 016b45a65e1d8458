/**
 * Redaction: a function of the app's sees each text before it is stored, streamed or traced, and says what is kept of it.
 *
 * It is called inside the steps, by the attempt that executes them, and its result is what the journal has: on replay it is
 * not called. What a context tool gives is no step: there it is called in every replay, and must always say the same.
 */
import { readMessage, readString } from "../errors/read-error.ts";
import { RedactionFailedError } from "../errors/redaction-failed-error.ts";
import { UnserializableValueError } from "../errors/unserializable-value-error.ts";
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
 * What is kept of a text. When it throws, nothing passes unseen and nothing is done twice: the text is withheld, and the step
 * ends with `redaction-failed`, or with the `TerminalError` that it threw. Of failures and traces the text alone is left out.
 *
 * @example
 * ```ts
 * const redact: Redact = (text) => text.replace(/\b\d{4}(?: ?\d{4}){3}\b/g, "[card]");
 * ```
 */
export type Redact = (text: string, place: RedactedPlace) => string;

/**
 * Every text in a value, at any depth: of lists, objects, maps (keys too), sets and URLs, as they are stored. What says of
 * itself what its JSON is (`toJSON`) is seen as that. Names of properties, dates and binary content stay.
 *
 * @throws UnserializableValueError for what cannot be stored either: what cannot be read, or is too deep.
 */
export function redacted(value: unknown, redact: Redact, place: RedactedPlace): unknown {
  return new Walk((text) => redactedText(text, redact, place)).see(value, 0);
}

/**
 * What is kept of one text.
 *
 * @throws RedactionFailedError when the function fails: it might for every try, and what a tool did must not be repeated.
 */
export function redactedText(text: string, redact: Redact, place: RedactedPlace): string {
  try {
    const kept: unknown = redact(text, place);
    if (typeof kept === "string") return kept;
    throw new RedactionFailedError(nameOf(place), "gave no text");
  } catch (error) {
    if (place.kind === "failure" || place.kind === "trace") return WITHHELD;
    if (error instanceof TerminalError) throw error;
    // Not its message, which may quote the text.
    throw new RedactionFailedError(nameOf(place), `threw ${readString(error, "name") ?? "no error"}`);
  }
}

/** What stands for a text that could not be redacted, where the rest of it matters more. */
const WITHHELD = "[withheld: redact failed]";

function nameOf({ kind, toolName }: RedactedPlace): string {
  if (kind === "model") return "what the model said";
  return kind === "tool-input" ? `the input of tool ${toolName}` : `what tool ${toolName} gave`;
}

/** Texts in JSON; what is none, or is too deep, is one text. */
export function redactedJson(json: string, redact: Redact, place: RedactedPlace): string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return redactedText(json, redact, place);
  }
  let own: unknown;
  try {
    own = redacted(value, redact, place);
  } catch (error) {
    if (error instanceof UnserializableValueError) return redactedText(json, redact, place);
    throw error;
  }
  // What did not change stays byte for byte what it was.
  return JSON.stringify(own) === JSON.stringify(value) ? json : JSON.stringify(own);
}

/** The error with its message redacted; it stays what it is otherwise. */
export function redactedError(error: unknown, redact: Redact, toolName?: string): unknown {
  if (!(error instanceof Error) || RedactionFailedError.isInstance(error)) return error;
  const place: RedactedPlace = { kind: "failure", toolName };
  const message = redactedText(error.message, redact, place);
  const facts = error instanceof TerminalError ? (error.metadata ?? {}) : {};
  const metadata = Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name, redactedJson(value, redact, place)]),
  );
  const isSame = message === error.message && JSON.stringify(metadata) === JSON.stringify(facts);
  if (isSame && error.cause === undefined) return error;
  const veil: Veil = { message, stack: `${error.name}: ${message}`, cause: undefined };
  return veilOf(error, error instanceof TerminalError ? { ...veil, metadata } : veil);
}

/** As deep as values can be stored (journal/tag.ts). */
const MAX_DEPTH = 500;

class Walk {
  readonly #text: (text: string) => string;
  readonly #known = new Map<unknown, unknown>();

  constructor(text: (text: string) => string) {
    this.#text = text;
  }

  see(value: unknown, depth: number): unknown {
    if (typeof value === "string") return this.#text(value);
    if (typeof value !== "object" || value === null) return value;
    if (this.#known.has(value)) return this.#known.get(value);
    if (depth > MAX_DEPTH) throw new UnserializableValueError(`nested more than ${MAX_DEPTH} levels deep`, "$");
    if (Array.isArray(value)) {
      const list = this.#knownAs<unknown[]>(value, []);
      for (const item of value) list.push(this.see(item, depth + 1));
      return list;
    }
    return this.#builtIn(value, depth + 1) ?? this.#object(value, depth + 1);
  }

  #builtIn(value: object, depth: number): unknown {
    if (value instanceof Date || value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value;
    if (value instanceof URL) return this.#url(value);
    if (value instanceof Map) {
      const map = this.#knownAs(value, new Map<unknown, unknown>());
      for (const [key, item] of value) map.set(this.see(key, depth), this.see(item, depth));
      return map;
    }
    if (!(value instanceof Set)) return undefined;
    const set = this.#knownAs(value, new Set<unknown>());
    for (const item of value) set.add(this.see(item, depth));
    return set;
  }

  #object(value: object, depth: number): unknown {
    if (hasToJson(value)) {
      this.#knownAs(value, value);
      const json = read(() => value.toJSON(""));
      return this.#knownAs(value, this.see(json, depth));
    }
    if (!isPlain(value)) return value; // It cannot be stored.
    const object = this.#knownAs(value, {});
    for (const [name, item] of read(() => Object.entries(value))) {
      const own = this.see(item, depth);
      // Not assigned: `__proto__` is a name like any other.
      Object.defineProperty(object, name, { value: own, configurable: true, enumerable: true, writable: true });
    }
    return object;
  }

  /** A secret in it may be escaped, so both spellings are seen. What is no URL any more is a text. */
  #url(url: URL): URL | string {
    const { href } = url;
    const kept = this.#text(href);
    if (kept !== href) return URL.canParse(kept) ? new URL(kept) : kept;
    const plain = unescaped(href);
    const shown = this.#text(plain);
    return shown === plain ? url : shown;
  }

  /** Before its parts are seen: a value may contain itself. */
  #knownAs<T>(value: object, own: T): T {
    this.#known.set(value, own);
    return own;
  }
}

/** What throws once would throw again: a step must not be repeated for it, with all that it does. */
function read<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new UnserializableValueError(`not readable (${readMessage(error)})`, "$");
  }
}

function unescaped(href: string): string {
  try {
    return decodeURIComponent(href);
  } catch {
    return href;
  }
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function";
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
