/** Streams kept by Durable Objects, which live in a Worker of their own: see `stream-worker/`. */
import { StreamStoreError } from "../errors/stream-store-error.ts";
import { StreamTooLargeError } from "../errors/stream-too-large-error.ts";
import { SharedReads } from "./shared-reads.ts";
import { splitBatch } from "./split-batch.ts";
import type { AppendAnswer, StreamPage, StreamStore } from "./stream-store.ts";

/** The part of Cloudflare's `DurableObjectNamespace` that is used here. */
export interface DurableObjectNamespaceLike {
  idFromName(name: string): object;
  // Declared as a method, so that Cloudflare's own type, whose ids are a class, fits.
  get(id: never): { fetch(url: string, init?: RequestInit): Promise<Response> };
}

/** How long the object is asked to wait for an entry, in milliseconds. One reader of an isolate asks for all. */
const QUESTION_MS = 3_000;

/**
 * A store over a binding to the Durable Object class `StreamKeeper` of another Worker. Takes the binding, or a function
 * that gives it when it is first needed.
 *
 * Its methods reject with StreamTooLargeError and StreamStoreError.
 *
 * @example
 * ```ts
 * import { env } from "cloudflare:workers";
 *
 * const streams = durableObjectStreamStore(() => env.STREAMS);
 * export const support = agentSession("Support", supportAgent, { streams });
 * ```
 */
export function durableObjectStreamStore(
  namespace: DurableObjectNamespaceLike | (() => DurableObjectNamespaceLike),
): StreamStore {
  const resolve = (): DurableObjectNamespaceLike => (typeof namespace === "function" ? namespace() : namespace);
  const call: Call = async (stream, action, init = {}) => {
    const objects = resolve();
    let response: Response;
    try {
      response = await objects.get(objects.idFromName(stream) as never).fetch(`https://stream/${action}`, init);
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw new StreamStoreError(`The Durable Object of the stream "${stream}" cannot be reached`, { cause: error });
    }
    const answer = (await response.json().catch(() => undefined)) as unknown;
    if (response.ok) return answer;
    throw failed(stream, response.status, answer);
  };
  const post = (stream: string, action: string, body: object, signal?: AbortSignal): Promise<unknown> =>
    call(stream, action, { method: "POST", body: JSON.stringify(body), ...withSignal(signal) });
  const reads = new SharedReads({
    pollMs: 0,
    maxPollMs: 0,
    waitMs: QUESTION_MS,
    read: async (stream, { after, waitMs, signal }) =>
      (await call(stream, `read?after=${after}&wait=${waitMs}`, withSignal(signal))) as StreamPage,
  });
  return {
    append: async (stream, batch, signal) => {
      let answer: AppendAnswer | undefined;
      for (const part of splitBatch(batch)) {
        answer = (await post(stream, "append", { batch: part }, signal)) as AppendAnswer;
        if (answer.result !== "written") return answer;
      }
      if (answer === undefined) throw new StreamStoreError("A batch has no parts");
      return answer;
    },
    end: async (stream, end, signal) => (await post(stream, "end", { end }, signal)) as AppendAnswer,
    read: (stream, read) => reads.read(stream, read),
    stop: async (stream) => void (await post(stream, "stop", {})),
    remove: async (stream) => void (await post(stream, "remove", {})),
  };
}

type Call = (stream: string, action: string, init?: RequestInit) => Promise<unknown>;

function withSignal(signal: AbortSignal | undefined): RequestInit {
  return signal === undefined ? {} : { signal };
}

function failed(stream: string, status: number, answer: unknown): Error {
  const { bytes, maxBytes } = (answer ?? {}) as { readonly bytes?: number; readonly maxBytes?: number };
  if (status === 413 && bytes !== undefined && maxBytes !== undefined) {
    return new StreamTooLargeError(stream, bytes, maxBytes);
  }
  return new StreamStoreError(`The Durable Object of the stream "${stream}" answered ${status}`);
}
