/**
 * Operations of the Admin API as data: the client sends nothing but these, and a test holds each against the server's own
 * `/openapi`. So whatever the client sends, the server knows.
 */
import { z } from "zod";
import { path, query as queryOf, type RestateRequest } from "../http/restate-http.ts";
import type { AdminHttp, AdminRequest } from "./admin-http.ts";
import { fromWire, theirName, toWire } from "./wire.ts";

/** An operation, without its types. */
export interface AnyOperation {
  readonly method: RestateRequest["method"];
  /** Template, such as `/deployments/{deployment}`. */
  readonly path: string;
  /** Query parameters, in our names. */
  readonly query?: readonly string[];
  /** What is sent, in our names. */
  readonly body?: z.ZodType;
  /** What is answered, in our names. Absent: nothing that matters. */
  readonly answer?: z.ZodType;
  /** The answer is a document of its own, whose names are not translated. */
  readonly verbatim?: true;
}

/** An operation whose answer is read. */
export interface Operation<ANSWER, BODY = never, QUERY extends string = never> extends AnyOperation {
  readonly query?: readonly QUERY[];
  readonly body?: z.ZodType<BODY>;
  readonly answer: z.ZodType<ANSWER>;
}

/** An operation that answers nothing that matters. */
export interface Command<BODY = never, QUERY extends string = never> extends AnyOperation {
  readonly query?: readonly QUERY[];
  readonly body?: z.ZodType<BODY>;
  readonly answer?: never;
}

/** What one call of an operation sends. */
export interface Call<BODY, QUERY extends string> {
  /** Values of the template's places, in order. */
  readonly params?: readonly string[];
  readonly query?: Readonly<Partial<Record<QUERY, string | boolean | undefined>>>;
  readonly body?: BODY;
}

/** Calls an operation and reads its answer. The errors are those of `AdminHttp.json()`. */
export async function ask<ANSWER, BODY, QUERY extends string>(
  http: AdminHttp,
  operation: Operation<ANSWER, BODY, QUERY>,
  call: Call<BODY, QUERY> = {},
): Promise<ANSWER> {
  const { answer, verbatim } = operation;
  return http.json(requestOf(operation, call), verbatim === true ? answer : z.preprocess(fromWire, answer));
}

/** Calls an operation whose answer does not matter. The errors are those of `AdminHttp.json()`. */
export async function command<BODY, QUERY extends string>(
  http: AdminHttp,
  operation: Command<BODY, QUERY>,
  call: Call<BODY, QUERY> = {},
): Promise<void> {
  await http.send(requestOf(operation, call));
}

function requestOf<BODY, QUERY extends string>(operation: AnyOperation, call: Call<BODY, QUERY>): AdminRequest {
  const { params = [], query = {}, body } = call;
  const entries = Object.entries<string | boolean | undefined>(query);
  return {
    method: operation.method,
    path: fill(operation.path, params) + queryOf(Object.fromEntries(entries.map(([k, v]) => [theirName(k), v]))),
    ...(body === undefined ? {} : { body: toWire(body) }),
  };
}

function fill(template: string, params: readonly string[]): string {
  let next = 0;
  const segments = template
    .split("/")
    .slice(1)
    .map((segment) => (segment.startsWith("{") ? placed(params[next++], template) : segment));
  return path(...segments);
}

/** URLs lose segments such as `..`, and with them the operation: `DELETE /kafka-clusters/..` would be another one. */
function placed(value: string | undefined, template: string): string {
  if (value !== undefined && !/^\.{0,2}$/.test(value)) return value;
  throw new TypeError(`Cannot call ${template}: ${JSON.stringify(value)} is no name`);
}
