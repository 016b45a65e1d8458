/**
 * Pages of invocations. A page ends at a place, not at a number, so that the next one begins right there however many
 * invocations arrived meanwhile.
 */
import { z } from "zod";
import { InvalidRequestError } from "../../errors/invalid-request-error.ts";
import { type Invocation, invocationIdSchema } from "./invocation.ts";
import { sql, type Sql } from "../sql.ts";

/** Which page. */
export interface PageRequest {
  /** 1–500. Default 50. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
  /** By creation. Default `newest`. */
  readonly order?: InvocationOrder | undefined;
  /** Counts all that match too, which is another scan. Default false. */
  readonly total?: boolean | undefined;
}

export type InvocationOrder = "newest" | "oldest";

/** One page. */
export interface InvocationPage {
  readonly invocations: readonly Invocation[];
  /** Cursor of the next page; absent on the last one. */
  readonly next?: string | undefined;
  /** How many match in all. */
  readonly total?: number | undefined;
}

/** Where a page ended. */
export interface Place {
  readonly order: InvocationOrder;
  readonly createdAt: string;
  readonly id: string;
}

const placeSchema: z.ZodType<Place> = z.strictObject({
  order: z.enum(["newest", "oldest"]),
  createdAt: z.iso.datetime(),
  id: invocationIdSchema,
});

/** A place as an opaque text for URLs. */
export function cursorOf({ order, createdAt, id }: Place): string {
  const base64 = btoa(JSON.stringify({ order, createdAt, id }));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * The place of a cursor.
 *
 * @throws InvalidRequestError (400) when no page of this order gave it.
 */
export function placeOf(cursor: string, order: InvocationOrder): Place {
  const parsed = placeSchema.safeParse(decode(cursor));
  if (!parsed.success || Number.isNaN(Date.parse(parsed.data.createdAt))) {
    throw new InvalidRequestError("Cannot read the cursor: send `next` of the page before, as it is");
  }
  if (parsed.data.order === order) return parsed.data;
  throw new InvalidRequestError(`Cannot go on with this cursor: its pages begin with the ${parsed.data.order}`);
}

/** What comes after a place. */
export function afterPlace({ order, createdAt, id }: Place): Sql {
  const at = new Date(createdAt);
  return order === "newest"
    ? sql`created_at < ${at} OR (created_at = ${at} AND id < ${id})`
    : sql`created_at > ${at} OR (created_at = ${at} AND id > ${id})`;
}

/** The order of a page. Invocations of the same millisecond are in the order of their ids. */
export function orderBy(order: InvocationOrder): Sql {
  return order === "newest" ? sql`created_at DESC, id DESC` : sql`created_at ASC, id ASC`;
}

function decode(cursor: string): unknown {
  try {
    return JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return undefined;
  }
}
