/**
 * SQL for Restate's introspection tables, without any place where text from outside could become SQL.
 *
 * Only the tag `sql` makes an `Sql`, and `AdminHttp.query()` takes nothing else. What is interpolated is a value, which is
 * written as a literal, or another `Sql`. DataFusion knows no escapes in a literal but the doubled quote, so text with
 * doubled quotes stays text; control characters are refused because no name or key that is searched for has them.
 */
import { InvalidRequestError } from "../errors/invalid-request-error.ts";

/** What may be interpolated. A list becomes `(…, …)`, for `IN`; an empty one matches nothing. */
export type SqlValue = string | number | boolean | Date | Sql | readonly SqlValue[];

const MAX_TIME_MS = Date.UTC(9999, 11, 31);
const CONTROL = /\p{Cc}/u;

// Not exported, so that nothing but the tag makes one; its private field makes the type nominal.
class SqlText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }
}

/** A query, or a part of one. */
export type Sql = SqlText;

/**
 * SQL with encoded values: `` sql`SELECT id FROM sys_invocation WHERE target_service_name = ${name}` ``.
 *
 * @throws InvalidRequestError (400) for a text with control characters or unpaired surrogates, and for a number that is not
 * finite, as that of an invalid date.
 */
export function sql(strings: TemplateStringsArray, ...values: readonly SqlValue[]): Sql {
  const encoded = values.map(encode);
  return new SqlText(strings.map((part, index) => part + (encoded[index] ?? "")).join(""));
}

/** Conditions that must all hold; without any, `TRUE`. */
export function allOf(conditions: readonly Sql[]): Sql {
  const [first, ...others] = conditions;
  if (first === undefined) return sql`TRUE`;
  return others.reduce((all, next) => sql`${all} AND (${next})`, sql`(${first})`);
}

function encode(value: SqlValue): string {
  if (typeof value === "string") return textLiteral(value);
  if (typeof value === "number") return numberLiteral(value);
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (value instanceof Date) return timeLiteral(value.getTime());
  if (value instanceof SqlText) return value.text;
  return value.length === 0 ? "(NULL)" : `(${value.map(encode).join(", ")})`;
}

function textLiteral(text: string): string {
  if (CONTROL.test(text) || !text.isWellFormed()) {
    throw new InvalidRequestError("Cannot search for a text with control characters or unpaired surrogates");
  }
  return `'${text.replaceAll("'", "''")}'`;
}

/** DataFusion fails on times that are too far away. */
function timeLiteral(ms: number): string {
  if (ms >= 0 && ms <= MAX_TIME_MS) return `to_timestamp_millis(${ms})`;
  throw new InvalidRequestError("Cannot search for a time before 1970 or after 9999");
}

function numberLiteral(value: number): string {
  if (!Number.isFinite(value)) throw new InvalidRequestError(`Cannot search for the number ${value}`);
  return Number.isInteger(value) ? BigInt(value).toString() : value.toExponential();
}
