/** The state of virtual objects and workflows: read through SQL, replaced through the Admin API. */
import { z } from "zod";
import { keyIdOf } from "../../encryption/sealed-value.ts";
import { InvalidRequestError } from "../../errors/invalid-request-error.ts";
import { StateChangedError } from "../../errors/state-changed-error.ts";
import { fromBase64 } from "../../journal/base64.ts";
import type { AdminHttp } from "../admin-http.ts";
import { openedBytes } from "../encrypted.ts";
import { command } from "../operation.ts";
import { allOf, sql, type Sql } from "../sql.ts";
import { STATE_OPERATIONS } from "./state-operations.ts";
import { stateVersion } from "./state-version.ts";
import { readBytes, type StoredValue, writeBytes } from "./stored-value.ts";

/** Keys of one service that have state. */
export interface ObjectPage {
  readonly objects: readonly ObjectSummary[];
  /** The last key: send it as `after` for the next page. Absent on the last one. */
  readonly next?: string | undefined;
}

/** How much state an object has. */
export interface ObjectSummary {
  readonly key: string;
  readonly values: number;
  /** Of all values. */
  readonly bytes: number;
}

/** The state of one object. */
export interface ObjectState {
  readonly service: string;
  readonly key: string;
  /** Changes when the state does; opaque. */
  readonly version: string;
  readonly values: Readonly<Record<string, StoredValue>>;
}

/** What became of a replacement. */
export interface StateReplaced {
  /** Of the new state. */
  readonly version: string;
  /** False: Restate has accepted it, and applies it when the object's running invocation has ended. */
  readonly applied: boolean;
}

/** Where an object is, on servers with scopes. */
export interface ScopeOption {
  readonly scope?: string | undefined;
}

/** Larger states are not read: a Worker would not have the memory. */
const MAX_STATE_BYTES = 8 * 1024 * 1024;
/** Each look at a state is two subrequests, of which a Worker has few: the distance between looks doubles. */
const FIRST_POLL_MS = 50;
const LONGEST_POLL_MS = 800;

const objectSchema: z.ZodType<ObjectSummary> = z.object({ key: z.string(), values: z.int(), bytes: z.int() });
const valueSchema = z.object({ key: z.string(), value: z.string() });

/**
 * The state of one Restate's virtual objects and workflows. All methods throw RestateUnreachableError (503),
 * RestateUnauthorizedError (502) and RestateUnexpectedError (502).
 */
export class ObjectStates {
  readonly #http: AdminHttp;

  constructor(http: AdminHttp) {
    this.#http = http;
  }

  /** Objects of a service that have state, by key. Empty for a service that is not known. `limit`: default 100. */
  async objects(
    service: string,
    { after, limit = 100, scope }: ScopeOption & { readonly after?: string | undefined; readonly limit?: number } = {},
  ): Promise<ObjectPage> {
    const beyond = after === undefined ? [] : [sql`service_key > ${after}`];
    const rows = await this.#http.query(
      sql`SELECT service_key AS key, count(*) AS "values", sum(value_length) AS bytes FROM state
        WHERE ${allOf([inService(service, scope), ...beyond])}
        GROUP BY service_key ORDER BY service_key LIMIT ${limit + 1}`,
      objectSchema,
    );
    const objects = rows.slice(0, limit);
    return { objects, next: rows.length > limit ? objects.at(-1)?.key : undefined };
  }

  /**
   * The state of an object; without values for one that has none, which an object that does not exist has neither.
   *
   * @throws InvalidRequestError (400) for more than 8 MiB; single values can still be read.
   */
  async get(service: string, key: string, { scope }: ScopeOption = {}): Promise<ObjectState> {
    const bytes = await this.#read(service, key, scope);
    const values = [...bytes].map(async ([name, value]) => [name, await this.#readValue(value)] as const);
    return { service, key, version: await stateVersion(bytes), values: Object.fromEntries(await Promise.all(values)) };
  }

  /** One value; undefined when there is none. */
  async value(
    service: string,
    key: string,
    name: string,
    { scope }: ScopeOption = {},
  ): Promise<StoredValue | undefined> {
    const [row] = await this.#http.query(
      sql`SELECT key, encode(value, 'base64') AS value FROM state WHERE ${ofObject(service, key, scope)} AND key = ${name}`,
      valueSchema,
    );
    return row === undefined ? undefined : this.#readValue(fromBase64(row.value));
  }

  /**
   * Replaces the whole state of an object; a value that is left out is gone. With `version`, only if that is still the
   * version of the state. Waits up to `waitMs` (default 3,000) for Restate to apply it.
   *
   * @throws StateChangedError (409) when the version is another one, or the state changed again before it was seen.
   * @throws RestateRefusedError (400, 404) for a service that is unknown or has no state.
   */
  async replace(
    service: string,
    key: string,
    values: Readonly<Record<string, StoredValue>>,
    {
      version,
      scope,
      waitMs = 3000,
    }: ScopeOption & { readonly version?: string | undefined; readonly waitMs?: number } = {},
  ): Promise<StateReplaced> {
    const written = Object.entries(values).map(async ([name, value]) => [name, await this.#writeValue(value)] as const);
    const bytes = new Map(await Promise.all(written));
    const [before, after] = await Promise.all([this.#version(service, key, scope), stateVersion(bytes)]);
    if (version !== undefined && version !== before) throw new StateChangedError(service, key);
    const newState = Object.fromEntries([...bytes].map(([name, value]) => [name, [...value]]));
    const body = { objectKey: key, newState, version, scope };
    await command(this.#http, STATE_OPERATIONS.replace, { params: [service], body });
    return { version: after, applied: await this.#isApplied({ service, key, scope, before, after, waitMs }) };
  }

  async #readValue(stored: Uint8Array): Promise<StoredValue> {
    return readBytes(await openedBytes(this.#http.encryption, stored));
  }

  /** A value that could not be decrypted is put back as it was. */
  async #writeValue(value: StoredValue): Promise<Uint8Array> {
    const bytes = writeBytes(value);
    const { encryption } = this.#http;
    return encryption === undefined || keyIdOf(bytes) !== undefined ? bytes : encryption.seal(bytes);
  }

  /** Restate drops a replacement whose version does not fit, and says nothing; so the state itself has to tell. */
  async #isApplied(change: {
    readonly service: string;
    readonly key: string;
    readonly scope: string | undefined;
    readonly before: string;
    readonly after: string;
    readonly waitMs: number;
  }): Promise<boolean> {
    const { service, key, scope, before, after, waitMs } = change;
    const until = Date.now() + waitMs;
    for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(2 * pollMs, LONGEST_POLL_MS)) {
      const now = await this.#version(service, key, scope);
      if (now === after) return true;
      if (now !== before) throw new StateChangedError(service, key);
      const leftMs = until - Date.now();
      if (leftMs <= 0) return false;
      await new Promise((resolve) => setTimeout(resolve, Math.min(pollMs, leftMs)));
    }
  }

  async #version(service: string, key: string, scope: string | undefined): Promise<string> {
    return stateVersion(await this.#read(service, key, scope));
  }

  async #read(service: string, key: string, scope: string | undefined): Promise<ReadonlyMap<string, Uint8Array>> {
    const object = ofObject(service, key, scope);
    const [size] = await this.#http.query(
      sql`SELECT sum(value_length) AS bytes FROM state WHERE ${object}`,
      z.object({ bytes: z.int().optional() }),
    );
    if ((size?.bytes ?? 0) > MAX_STATE_BYTES) {
      throw new InvalidRequestError(`The state of ${service}/${key} has ${size?.bytes} bytes: read single values`);
    }
    const rows = await this.#http.query(
      sql`SELECT key, encode(value, 'base64') AS value FROM state WHERE ${object}`,
      valueSchema,
    );
    return new Map(rows.map(({ key: name, value }) => [name, fromBase64(value)]));
  }
}

function inService(service: string, scope: string | undefined): Sql {
  return allOf([sql`service_name = ${service}`, scope === undefined ? sql`scope IS NULL` : sql`scope = ${scope}`]);
}

function ofObject(service: string, key: string, scope: string | undefined): Sql {
  return allOf([inService(service, scope), sql`service_key = ${key}`]);
}
