/** Streams kept by Restate: a client of the virtual object that `streamObject()` makes. */
import { EdgeAgentError } from "../errors/edge-agent-error.ts";
import { StreamStoreError } from "../errors/stream-store-error.ts";
import { ownIngress } from "../http/own-ingress.ts";
import { nowMs } from "../http/pause.ts";
import type { IngressClient } from "../ingress/ingress-client.ts";
import type { InvocationFailure } from "../ingress/result.ts";
import { entriesFrom, type StreamBlock, type StreamObjectPage } from "./stream-object-state.ts";
import { blockKey, type StreamAppendInput, type StreamEndInput, type StreamObjectHandlers } from "./stream-object.ts";
import { SharedReads } from "./shared-reads.ts";
import { splitBatch } from "./split-batch.ts";
import type { AppendAnswer, StreamEntry, StreamPage, StreamStore } from "./stream-store.ts";

/** Options of a store in Restate. */
export interface RestateStreamStoreOptions {
  /** How Restate's ingress is reached. Default: as the app's settings say. */
  readonly ingress?: (() => IngressClient) | undefined;
  /** Longest wait for one answer, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
  /** Time between two looks at a stream while parts come, in milliseconds. Default 50. */
  readonly pollMs?: number;
  /** Longest time between two looks, which it grows to while nothing comes, in milliseconds. Default 1,000. */
  readonly maxPollMs?: number;
}

const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_POLL_MS = 50;
const DEFAULT_MAX_POLL_MS = 1_000;

/**
 * A store over the virtual object `service`, which `streamObject(service)` defines. An append is one invocation; readers
 * look at the stream again and again, all of one isolate together.
 *
 * Its methods reject with RestateNotConfiguredError, RestateUnreachableError, RestateUnauthorizedError,
 * RestateRefusedError (404: the object is not registered), StreamTooLargeError and StreamStoreError.
 *
 * @example
 * ```ts
 * const store = restateStreamStore("Support.streams");
 * const { entries, ended } = await store.read("Support/c1/t1", { after: 0, waitMs: 0 });
 * ```
 */
export function restateStreamStore(service: string, options: RestateStreamStoreOptions = {}): StreamStore {
  const { ingress = () => ownIngress("keep a stream in Restate"), timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const call: Call = async (stream, handler, input, signal) => {
    const request = { body: input === undefined ? undefined : JSON.stringify(input), timeoutMs, signal };
    const result = await ingress().call({ service, key: stream, handler }, request);
    if (result.kind === "already-started") throw new StreamStoreError(`${service} is no virtual object of streams`);
    if (result.kind === "failure") throw failed(service, handler, result);
    const text = new TextDecoder().decode(result.bytes);
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  };
  const { pollMs = DEFAULT_POLL_MS, maxPollMs = DEFAULT_MAX_POLL_MS } = options;
  const reads = new SharedReads({
    pollMs,
    maxPollMs,
    read: (stream, { after, signal }) => page(call, stream, after, signal),
  });
  return {
    ...(options.ingress === undefined ? { service } : {}),
    append: async (stream, batch, signal) => {
      let answer: AppendAnswer | undefined;
      for (const part of splitBatch(batch)) {
        const input: StreamAppendInput = { batch: part, nowMs: nowMs() };
        answer = (await call(stream, "append", input, signal)) as AppendAnswer;
        reads.tell(stream);
        if (answer.result !== "written") return answer;
      }
      if (answer === undefined) throw new StreamStoreError("A batch has no parts");
      return answer;
    },
    end: async (stream, end, signal) => {
      const input: StreamEndInput = { end, nowMs: nowMs() };
      const answer = (await call(stream, "end", input, signal)) as AppendAnswer;
      reads.tell(stream);
      return answer;
    },
    read: (stream, read) => reads.read(stream, read),
    stop: async (stream) => void (await call(stream, "stop", { nowMs: nowMs() })),
    remove: async (stream) => void (await call(stream, "remove", undefined)),
  };
}

type Handler = keyof StreamObjectHandlers;
type Call = (stream: string, handler: Handler, input: unknown, signal?: AbortSignal) => Promise<unknown>;

/** What follows `after`: the blocks that hold it, which are read at the same time, and the tail. */
async function page(call: Call, stream: string, after: number, signal?: AbortSignal): Promise<StreamPage> {
  const found = (await call(stream, "read", after, signal)) as StreamObjectPage;
  const { exists, blocks, first, chunks, more } = found;
  const contents = await Promise.all(
    blocks.map(({ index }) => call(blockKey(stream, index), "block", undefined, signal) as Promise<BlockContent>),
  );
  const entries: StreamEntry[] = [];
  for (const [at, content] of contents.entries()) {
    // On its way still: what comes after it has to wait.
    if (content === null) return { exists, ended: false, entries };
    entries.push(...entriesFrom(blocks[at]?.first ?? 0, content, after));
  }
  entries.push(...entriesFrom(first, chunks, after));
  return { exists, ended: found.ended && !more, entries };
}

type BlockContent = StreamBlock["chunks"] | null;

/** The handler's error, with its facts. */
function failed(service: string, handler: string, failure: InvocationFailure): Error {
  const { code, message, errorCode, fields } = failure;
  if (errorCode !== undefined) return new EdgeAgentError({ errorCode, message, status: code, fields: fields ?? {} });
  return new StreamStoreError(`${service}.${handler} failed with ${code}: ${message}`);
}
