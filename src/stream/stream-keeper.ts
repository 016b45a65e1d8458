/**
 * The Durable Object that keeps one stream: `stream-worker/` deploys it. Its client is `durableObjectStreamStore()`.
 *
 * - K1 What is kept is in SQLite, and what an answer says is stored before the answer leaves (Cloudflare's output gate). So
 *   the object may hibernate, move or die at any time; only readers that wait are in memory.
 * - K2 A batch is a row. Text longer than a row may hold is spread over several.
 * - K3 It forgets itself by an alarm, which looks again whether its time has come.
 * - K4 Small. Its Worker needs none of Restate's SDK, so nothing is imported here that does.
 */
import type { UIMessageChunk } from "ai";
import { nowMs, pause } from "../http/pause.ts";
import { appendToLog, emptyStreamLog, endLog, type LogChange, stopLog, type StreamLog } from "./stream-log.ts";
import { bytesOf, entriesFrom } from "./stream-object-state.ts";
import type { AppendAnswer, StreamBatch, StreamEnd, StreamEntry, StreamPage } from "./stream-store.ts";

/** The part of Cloudflare's `DurableObjectState` that is used here: of a class with SQLite storage. */
export interface StreamKeeperState {
  readonly storage: {
    readonly sql: { exec(query: string, ...bindings: unknown[]): Iterable<Record<string, unknown>> };
    setAlarm(timeMs: number): PromiseLike<void>;
    deleteAlarm(): PromiseLike<void>;
    deleteAll(): PromiseLike<void>;
  };
}

/** Vars of the Worker that deploys it. Text, as vars are. */
export interface StreamKeeperEnv {
  /** How long a stream is kept after its end, in milliseconds. Default one hour. */
  readonly STREAM_RETENTION_MS?: string;
  /** How long a stream that has not ended is kept after it was last written to, in milliseconds. Default 30 days. */
  readonly STREAM_IDLE_MS?: string;
  /** Largest stream, in bytes of its entries as JSON. Default 16 MiB. */
  readonly STREAM_MAX_BYTES?: string;
}

/** What is kept besides the entries. */
interface Head {
  readonly log: StreamLog;
  /** Entries so far. */
  readonly count: number;
  readonly bytes: number;
  readonly activeMs: number;
}

const HOUR_MS = 3_600_000;
const MIB = 1_048_576;
/** A row holds 2 MB at most; characters may need three bytes. */
const MAX_ROW_CHARACTERS = 500_000;
const MAX_PAGE_CHARACTERS = MIB;
/** Longest wait of one read. */
const MAX_WAIT_MS = 20_000;

/**
 * One stream. Without `cloudflare:workers`: a plain class with `fetch` and `alarm` will do.
 *
 * @example
 * ```ts
 * // worker.ts of a Worker of its own, with `new_sqlite_classes = ["StreamKeeper"]`
 * export { StreamKeeper } from "restate-edge-agents/stream-keeper";
 * export default { fetch: () => new Response("Not found", { status: 404 }) };
 * ```
 */
export class StreamKeeper {
  readonly #storage: StreamKeeperState["storage"];
  readonly #retentionMs: number;
  readonly #idleMs: number;
  readonly #maxBytes: number;
  /** False when nothing is kept: a stream that was forgotten leaves nothing behind. */
  #hasTables = false;
  readonly #waiting = new Set<() => void>();

  constructor({ storage }: StreamKeeperState, env: StreamKeeperEnv = {}) {
    this.#storage = storage;
    this.#retentionMs = positive("STREAM_RETENTION_MS", env.STREAM_RETENTION_MS, HOUR_MS);
    this.#idleMs = positive("STREAM_IDLE_MS", env.STREAM_IDLE_MS, 30 * 24 * HOUR_MS);
    this.#maxBytes = positive("STREAM_MAX_BYTES", env.STREAM_MAX_BYTES, 16 * MIB);
    for (const _ of storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'head'")) this.#hasTables = true;
  }

  async fetch(request: Request): Promise<Response> {
    try {
      return Response.json((await this.#answer(request)) ?? null);
    } catch (error) {
      if (error instanceof Refusal) return Response.json(error.facts, { status: error.status });
      throw error;
    }
  }

  /** K3 */
  async alarm(): Promise<void> {
    const head = this.#head();
    if (head === undefined) return;
    const dueMs = head.activeMs + (head.log.ended ? this.#retentionMs : this.#idleMs);
    if (nowMs() < dueMs) await this.#storage.setAlarm(dueMs);
    else await this.#forget();
  }

  async #answer(request: Request): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/read") {
      return this.#read(Number(searchParams.get("after")), Number(searchParams.get("wait")), request.signal);
    }
    const { batch, end } = (await request.json()) as KeeperRequest;
    if (pathname === "/append" && batch !== undefined) return this.#change((log) => appendToLog(log, batch));
    if (pathname === "/end" && end !== undefined) return this.#change((log) => endLog(log, end));
    if (pathname === "/stop") return this.#change(stopLog);
    if (pathname === "/remove") return this.#forget();
    throw new Refusal(404, {});
  }

  /** Without an await before what is written: one request at a time, and all of it or nothing (K1). */
  async #change(apply: (log: StreamLog) => LogChange): Promise<AppendAnswer> {
    const before = this.#head();
    const was = before?.log ?? emptyStreamLog();
    const { answer, log, chunks } = apply(was);
    if (log === was) return answer;
    const count = before?.count ?? 0;
    const bytes = (before?.bytes ?? 0) + bytesOf(chunks);
    const ends = log.ended && !was.ended;
    if (bytes > this.#maxBytes && !ends) throw new Refusal(413, { bytes, maxBytes: this.#maxBytes });
    this.#makeTables();
    if (chunks.length > 0) this.#addBatch(count + 1, JSON.stringify(chunks));
    const head: Head = { log, count: count + chunks.length, bytes, activeMs: nowMs() };
    this.#storage.sql.exec("INSERT OR REPLACE INTO head VALUES (0, ?)", JSON.stringify(head));
    if (ends) await this.#storage.setAlarm(head.activeMs + this.#retentionMs);
    else if (before === undefined) await this.#storage.setAlarm(head.activeMs + this.#idleMs);
    this.#wake();
    return answer;
  }

  #makeTables(): void {
    if (this.#hasTables) return;
    const { sql } = this.#storage;
    sql.exec("CREATE TABLE head (id INTEGER PRIMARY KEY, value TEXT NOT NULL)");
    sql.exec("CREATE TABLE batches (first INTEGER, part INTEGER, value TEXT NOT NULL, PRIMARY KEY (first, part))");
    this.#hasTables = true;
  }

  #addBatch(first: number, text: string): void {
    for (const [part, value] of rowsOf(text).entries()) {
      this.#storage.sql.exec("INSERT INTO batches VALUES (?, ?, ?)", first, part, value);
    }
  }

  async #read(after: number, waitMs: number, signal: AbortSignal): Promise<StreamPage> {
    const untilMs = nowMs() + Math.min(waitMs, MAX_WAIT_MS);
    for (;;) {
      const head = this.#head();
      if (head !== undefined && head.count > after) return this.#page(head, after);
      const left = untilMs - nowMs();
      if (head?.log.ended === true || left <= 0 || signal.aborted) {
        return { entries: [], ended: head?.log.ended === true, exists: (head?.count ?? 0) > 0 };
      }
      await this.#untilChange(left, signal);
    }
  }

  #page({ log, count }: Head, after: number): StreamPage {
    const rows = this.#storage.sql.exec(
      `SELECT first, value FROM batches
       WHERE first >= (SELECT MAX(first) FROM batches WHERE first <= ?) ORDER BY first, part`,
      after + 1,
    );
    const entries: StreamEntry[] = [];
    let batch = { first: 0, text: "" };
    let size = 0;
    const add = (): void => {
      if (batch.first === 0) return;
      entries.push(...entriesFrom(batch.first, JSON.parse(batch.text) as UIMessageChunk[], after));
    };
    for (const row of rows) {
      const [first, text] = [Number(row["first"]), String(row["value"])];
      if (first === batch.first) {
        batch = { first, text: batch.text + text };
      } else {
        add();
        batch = { first: 0, text: "" };
        if (size > MAX_PAGE_CHARACTERS) break;
        batch = { first, text };
      }
      size += text.length;
    }
    add();
    return { entries, ended: log.ended && entries.at(-1)?.offset === count, exists: true };
  }

  /** Until something is added, at most `ms`. */
  async #untilChange(ms: number, signal: AbortSignal): Promise<void> {
    const added = new AbortController();
    const wake = (): void => added.abort();
    this.#waiting.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    try {
      await pause(ms, added.signal);
    } finally {
      this.#waiting.delete(wake);
      signal.removeEventListener("abort", wake);
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  async #forget(): Promise<void> {
    this.#hasTables = false;
    await this.#storage.deleteAlarm();
    await this.#storage.deleteAll();
    this.#wake();
  }

  #head(): Head | undefined {
    if (!this.#hasTables) return undefined;
    for (const row of this.#storage.sql.exec("SELECT value FROM head")) return JSON.parse(String(row["value"])) as Head;
    return undefined;
  }
}

/** What is not done, and why. */
class Refusal extends Error {
  readonly status: number;
  readonly facts: Readonly<Record<string, number>>;

  constructor(status: number, facts: Refusal["facts"]) {
    super(`Refused with ${status}`);
    this.status = status;
    this.facts = facts;
  }
}

interface KeeperRequest {
  readonly batch?: StreamBatch;
  readonly end?: StreamEnd;
}

/** Pieces of a text that fit into rows; no character is cut in half. */
function rowsOf(text: string): readonly string[] {
  const rows: string[] = [];
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + MAX_ROW_CHARACTERS, text.length);
    if (/[\uD800-\uDBFF]$/.test(text.slice(end - 1, end))) end += 1;
    rows.push(text.slice(start, end));
    start = end;
  }
  return rows;
}

function positive(name: string, value: string | undefined, otherwise: number): number {
  if (value === undefined || value.trim() === "") return otherwise;
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new TypeError(`Cannot keep streams: ${name} must be a positive integer: current value is "${value}"`);
}
