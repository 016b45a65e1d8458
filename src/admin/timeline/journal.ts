/** Journals of invocations, as the server has them. */
import { z } from "zod";
import { fromBase64 } from "../../journal/base64.ts";
import { isJsonObject, type JsonObject } from "../../journal/json.ts";
import type { AdminHttp } from "../admin-http.ts";
import { openedBytes, openedText } from "../encrypted.ts";
import { readBytes, type StoredValue } from "../state/stored-value.ts";
import { type EntryResult, readEntryResult } from "./notification.ts";
import { sql } from "../sql.ts";

/** One entry: a command, which the handler gave, or a notification, which answers one. */
export interface JournalEntry {
  /** From 0; the input. */
  readonly index: number;
  /** Such as `Command: Run` or `Notification: Sleep`. */
  readonly type: string;
  readonly name?: string | undefined;
  /** When the server stored it, ISO 8601. */
  readonly appendedAt?: string | undefined;
  /** Size of the stored entry. */
  readonly bytes?: number | undefined;
  /** The server's own view of it, without what it carries. */
  readonly entry: JsonObject;
  /** The same with what it carries, on request; absent above `MAX_PAYLOAD_BYTES`. Of headers only the names. */
  readonly payload?: JsonObject | undefined;
}

/** Part of a journal. */
export interface JournalPage {
  readonly entries: readonly JournalEntry[];
  /** Send it as `after` for what follows; absent at the end. */
  readonly next?: number | undefined;
}

/** Which part of a journal. */
export interface JournalRequest {
  /** Entries after this index. */
  readonly after?: number | undefined;
  /** Most entries. Default 1000, with payloads 100. */
  readonly limit?: number | undefined;
  /** Adds what the entries carry: prompts, answers, arguments, results. Default false. */
  readonly payloads?: boolean | undefined;
}

/** Entries that are larger show no payload. */
export const MAX_PAYLOAD_BYTES = 65_536;

const json = z.string().transform((text, context): JsonObject => {
  const parsed = parseJson(text);
  if (isJsonObject(parsed)) return parsed;
  context.addIssue("not a JSON object");
  return z.NEVER;
});

const entrySchema: z.ZodType<JournalEntry> = z
  .object({
    index: z.int(),
    entry_type: z.string(),
    name: z.string().optional(),
    appended_at: z.string().optional(),
    raw_length: z.int().optional(),
    entry_lite_json: json.optional(),
    entry_json: json.optional(),
  })
  .transform((row) => ({
    index: row.index,
    type: row.entry_type,
    name: row.name === "" ? undefined : row.name,
    appendedAt: row.appended_at,
    bytes: row.raw_length,
    entry: row.entry_lite_json ?? {},
    payload: row.entry_json,
  }));

/** Part of a journal, in order. Empty when there is none. */
export async function readJournal(http: AdminHttp, id: string, request: JournalRequest = {}): Promise<JournalPage> {
  const { after = -1, payloads = false, limit = payloads ? 100 : 1000 } = request;
  const payload = payloads ? sql`CASE WHEN raw_length <= ${MAX_PAYLOAD_BYTES} THEN entry_json END` : sql`NULL`;
  const rows = await http.query(
    sql`SELECT index, entry_type, name, appended_at, raw_length, entry_lite_json, ${payload} AS entry_json
      FROM sys_journal WHERE id = ${id} AND index > ${after} ORDER BY index LIMIT ${limit + 1}`,
    entrySchema,
  );
  const entries = await Promise.all(rows.slice(0, limit).map((entry) => withReadablePayload(http, entry)));
  return { entries, next: rows.length > limit ? entries.at(-1)?.index : undefined };
}

const resultSchema = z.object({ index: z.int(), raw: z.string() });

/** What some entries hold, by index. */
export async function readResults(
  http: AdminHttp,
  id: string,
  indexes: readonly number[],
): Promise<ReadonlyMap<number, EntryResult>> {
  if (indexes.length === 0) return new Map();
  const rows = await http.query(
    // A third of the size of the server's own form, which has two characters and more a byte.
    sql`SELECT index, encode(raw, 'base64') AS raw FROM sys_journal WHERE id = ${id} AND index IN ${indexes}`,
    resultSchema,
  );
  const results = rows.map(async ({ index, raw }) => [index, await openedResult(http, fromBase64(raw))] as const);
  return new Map(await Promise.all(results));
}

async function openedResult({ encryption }: AdminHttp, raw: Uint8Array): Promise<EntryResult> {
  const { value, failure } = readEntryResult(raw);
  return {
    value: value === undefined ? undefined : await openedBytes(encryption, value),
    failure: failure === undefined ? undefined : { ...failure, message: await openedText(encryption, failure.message) },
  };
}

/** Bytes are lists of numbers there, under these names. */
const BYTES: ReadonlySet<string> = new Set(["Success", "payload", "parameter", "value"]);

type Read = (bytes: Uint8Array) => Promise<StoredValue>;

async function withReadablePayload({ encryption }: AdminHttp, entry: JournalEntry): Promise<JournalEntry> {
  if (entry.payload === undefined) return entry;
  const payload = await readable(entry.payload, async (bytes) => readBytes(await openedBytes(encryption, bytes)));
  return { ...entry, payload };
}

/** The server's JSON with bytes as what they stand for, and without the values of headers, which may be secret. */
async function readable(value: JsonObject, read: Read): Promise<JsonObject> {
  const members = Object.entries(value).map(async ([name, held]) => [name, await readableMember(name, held, read)]);
  return Object.fromEntries(await Promise.all(members)) as JsonObject;
}

async function readableMember(name: string, held: unknown, read: Read): Promise<unknown> {
  if (name === "headers" && Array.isArray(held)) return held.map((header) => isJsonObject(header) && header["name"]);
  if (BYTES.has(name) && isByteList(held)) return read(Uint8Array.from(held));
  if (Array.isArray(held)) {
    return Promise.all(held.map((item: unknown) => (isJsonObject(item) ? readable(item, read) : item)));
  }
  return isJsonObject(held) ? readable(held, read) : held;
}

function isByteList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number" && item >= 0 && item <= 255);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
