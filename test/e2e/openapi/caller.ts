/** Calls operations of a document, and holds the answers against what it says of them. */
import { z } from "zod";
import { type JsonSchema, type OpenApiDocument, type Operation, validatorOf } from "./document.ts";
import type { Arguments } from "./walk-world.ts";

/** An answer that the document describes. */
export interface Described {
  readonly status: number;
  readonly body: unknown;
}

/** Calls the operations of one app. */
export class Caller {
  readonly #document: OpenApiDocument;
  readonly #url: string;
  readonly #validators = new Map<JsonSchema, z.ZodType>();
  /** How often an operation was called. */
  calls = 0;

  constructor(document: OpenApiDocument, url: string) {
    this.#document = document;
    this.#url = url;
  }

  /**
   * Calls an operation.
   *
   * @throws Error when the document does not describe the answer: its status, its content type or its body.
   */
  async call({ method, path, responses, operationId }: Operation, given: Arguments): Promise<Described> {
    this.calls += 1;
    const { path: places = {}, query = {}, rawQuery, headers = {}, body, form } = given;
    const target = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(places[name] ?? ""));
    const search = rawQuery ?? new URLSearchParams(query).toString();
    const response = await fetch(`${this.#url}${target}${search === "" ? "" : `?${search}`}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    const failed = (why: string): Error =>
      new Error(`${operationId} answered ${response.status}, ${why}: ${text.slice(0, 500)}`);
    const described = responses[response.status] ?? (response.status >= 400 ? responses["default"] : undefined);
    if (described === undefined) throw failed("which is not described");
    if (response.headers.get("x-request-id") === null) throw failed("without a request id");
    if (described.content === undefined || Object.keys(described.content).length === 0) {
      if (text !== "") throw failed("with a body that is not described");
      return { status: response.status, body: undefined };
    }
    const type = response.headers.get("content-type")?.split(";")[0] ?? "";
    const content = described.content[type];
    if (content === undefined) throw failed(`with ${type}, which is not described`);
    const json: unknown = type.startsWith("text/") ? text : JSON.parse(text);
    const { error } = this.#validator(content.schema ?? {}).safeParse(json);
    if (error !== undefined) throw failed(`which is not what is described: ${z.prettifyError(error)}`);
    return { status: response.status, body: json };
  }

  /** Arguments that the operation's schemas do not allow; a query that no decoder understands where they allow anything. */
  spoilt({ parameters = [], requestBody }: Operation, valid: Arguments): Arguments {
    for (const place of ["path", "query"] as const) {
      for (const parameter of parameters.filter((one) => one.in === place)) {
        const wrong = this.#wrong(parameter.schema, ["!", "", "\u0000", "x".repeat(5_000)]);
        if (typeof wrong === "string" && wrong !== "") {
          return { ...valid, [place]: { ...valid[place], [parameter.name]: wrong } };
        }
      }
    }
    const wrong = this.#wrong(requestBody?.content["application/json"]?.schema ?? {}, [{ unknownMember: 1 }, [], 7]);
    return wrong === undefined ? { ...valid, rawQuery: "%ff" } : { ...valid, body: wrong };
  }

  /** Arguments that are well-formed, and name what is not there; undefined when the operation names nothing. */
  unknown({ parameters = [] }: Operation, valid: Arguments): Arguments | undefined {
    const places = parameters.filter((one) => one.in === "path");
    const path: Record<string, string> = {};
    for (const { name, schema } of places) {
      path[name] = typeof schema["example"] === "string" ? schema["example"] : "Nobody";
    }
    return places.length === 0 ? undefined : { ...valid, path };
  }

  #wrong(schema: JsonSchema, candidates: readonly unknown[]): unknown {
    return candidates.find((candidate) => !this.#validator(schema).safeParse(candidate).success);
  }

  #validator(schema: JsonSchema): z.ZodType {
    const known = this.#validators.get(schema) ?? validatorOf(this.#document, schema, true);
    this.#validators.set(schema, known);
    return known;
  }
}
