/**
 * What a list of chunks says to a reader, in short: lists that make the same of a message have the same digest, however
 * they are cut into deltas, and in whatever order parallel tools have ended.
 */
import type { UIMessageChunk } from "ai";
import { orderedJson } from "./plain-json.ts";

/** A part of a message as the chunks leave it. */
type Said = Record<string, unknown>;

/** What the chunks of one segment say. */
class Segment {
  readonly #parts: Said[] = [];
  readonly #open = new Map<string, Said>();
  /** Tool calls of this segment. */
  readonly #calls = new Map<string, Said>();
  /** Tool calls of the segment before. */
  readonly #others = new Map<string, Said>();
  #text: Said[] = [];
  #hasStep = false;

  add(chunk: UIMessageChunk): void {
    switch (chunk.type) {
      case "start-step":
        this.#hasStep = true;
        return;
      case "start":
      case "finish-step":
      case "tool-input-delta":
        return;
      case "text-start":
      case "reasoning-start": {
        const { type, id, ...rest } = chunk;
        this.#open.set(`${type.slice(0, 4)} ${id}`, this.#push({ type: type.slice(0, 4), id, text: "", ...rest }));
        return;
      }
      case "text-delta":
      case "reasoning-delta":
      case "text-end":
      case "reasoning-end":
        return this.#goOn(chunk);
      default:
        if ("transient" in chunk && chunk.transient === true) return;
        if ("toolCallId" in chunk) this.#tool(chunk);
        else if (chunk.type === "tool-approval-response") this.#approval(chunk);
        else this.#push({ ...chunk });
    }
  }

  toJSON(): unknown {
    const others = [...this.#others].toSorted(([a], [b]) => (a < b ? -1 : 1));
    for (const said of this.#text) said["text"] = (said["deltas"] as string[]).join("");
    return { parts: this.#parts.map((said) => without(said, "deltas")), others };
  }

  #push(said: Said): Said {
    this.#parts.push(said);
    return said;
  }

  #goOn(chunk: Extract<UIMessageChunk, { type: `${"text" | "reasoning"}-${"delta" | "end"}` }>): void {
    const { type, id, providerMetadata } = chunk;
    const said = this.#open.get(`${type.slice(0, 4)} ${id}`);
    if (said === undefined) return;
    if ("delta" in chunk) {
      if (said["deltas"] === undefined) this.#text.push(said);
      ((said["deltas"] ??= []) as string[]).push(chunk.delta);
    } else {
      said["done"] = true;
    }
    if ("citations" in chunk) said["citations"] = chunk.citations;
    if (providerMetadata !== undefined) said["providerMetadata"] = providerMetadata;
  }

  #tool(chunk: Extract<UIMessageChunk, { toolCallId: string }>): void {
    const { type, toolCallId, ...rest } = chunk;
    switch (type) {
      case "tool-input-start":
      case "tool-input-available":
      case "tool-input-error": {
        // Before the step: a call of the one before, in whatever order they are told.
        const known = this.#hasStep
          ? (this.#calls.get(toolCallId) ?? this.#others.get(toolCallId))
          : this.#call(toolCallId);
        const kind = known?.["kind"] ?? ("dynamic" in rest && rest.dynamic === true);
        const said = { kind, state: type, toolCallId, ...without(rest, "dynamic") };
        if (known !== undefined) return replace(known, said, ["providerMetadata", "providerExecuted", "approval"]);
        this.#calls.set(toolCallId, this.#push(said));
        return;
      }
      default: {
        const said = this.#call(toolCallId);
        if (type === "tool-approval-request") said["approval"] = rest;
        said["state"] = type;
        delete said["result"];
        if (type === "tool-output-available" || type === "tool-output-error") said["result"] = without(rest, "dynamic");
      }
    }
  }

  #approval(chunk: Extract<UIMessageChunk, { type: "tool-approval-response" }>): void {
    const said = [...this.#calls.values(), ...this.#others.values()].find(
      ({ approval }) => (approval as { readonly approvalId?: string } | undefined)?.approvalId === chunk.approvalId,
    );
    const { type: state, ...answer } = chunk;
    if (said === undefined) this.#push({ ...chunk });
    else Object.assign(said, { state, approval: { ...(said["approval"] as object), answer } });
  }

  #call(toolCallId: string): Said {
    const known = this.#calls.get(toolCallId) ?? this.#others.get(toolCallId);
    if (known !== undefined) return known;
    const said: Said = {};
    this.#others.set(toolCallId, said);
    return said;
  }
}

/** A digest of what the chunks of one segment say. */
export function chunkDigest(chunks: readonly UIMessageChunk[]): string {
  const segment = new Segment();
  for (const chunk of chunks) segment.add(chunk);
  return digest(orderedJson(segment));
}

/** `said` becomes `next`, and keeps of what it was the fields `kept` where `next` has none. */
function replace(said: Said, next: Said, kept: readonly string[]): void {
  for (const name of Object.keys(said)) if (!kept.includes(name)) delete said[name];
  for (const [name, value] of Object.entries(next)) if (value !== undefined) said[name] = value;
}

function without(fields: object, name: string): Said {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
}

/** 64 bits, by two FNV-1a: it tells versions of a text apart, and guards nothing. */
function digest(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x5bd1e995) + at;
  }
  return [a, b].map((part) => (part >>> 0).toString(16).padStart(8, "0")).join("");
}
