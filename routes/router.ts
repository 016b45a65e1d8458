/** Routes whose OpenAPI description and validation come from the same schemas. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Env } from "hono";
import { HttpProblem, PROBLEM_CODES, type ProblemCode } from "./problem.ts";

/** Most validation errors that a problem lists. */
const MAX_ERRORS = 20;

/** A router on which `openapi(createRoute(…), handler)` declares, validates and describes a route. */
export function createRouter<E extends Env = Env>(): OpenAPIHono<E> {
  return new OpenAPIHono<E>({
    defaultHook: (result) => {
      if (result.success) return;
      const errors = result.error.issues.map(({ path, message }) => ({ at: path.join("."), message }));
      const where = {
        json: "body is",
        form: "body is",
        param: "path is",
        query: "query is",
        header: "headers are",
        cookie: "cookies are",
      };
      throw new HttpProblem("invalid-request", 400, `The ${where[result.target]} invalid: ${summary(errors)}`, {
        // A body may have tens of thousands of wrong values.
        members: { errors: errors.slice(0, MAX_ERRORS) },
      });
    },
  });
}

/** Problem details: the body of every answer of 400 and above. */
export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly [member: string]: unknown;
}

const codes = Object.keys(PROBLEM_CODES) as [ProblemCode, ...ProblemCode[]];

/** RFC 9457. */
export const problemSchema: z.ZodType<Problem> = z
  .looseObject({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int(),
    code: z.enum(codes),
    detail: z.string(),
  })
  .openapi("Problem");

/** Responses for `createRoute()`: these statuses answer with problem details. */
export function problems<const STATUS extends number>(
  ...statuses: readonly STATUS[]
): Record<STATUS, ReturnType<typeof problemResponse>> {
  return Object.fromEntries(statuses.map((status) => [status, problemResponse()])) as never;
}

/** A JSON response for `createRoute()`. */
export function json<SCHEMA extends z.ZodType>(
  schema: SCHEMA,
  description: string,
): { description: string; content: { "application/json": { schema: SCHEMA } } } {
  return { description, content: { "application/json": { schema } } };
}

function problemResponse(): {
  description: string;
  content: { "application/problem+json": { schema: typeof problemSchema } };
} {
  return { description: "What was wrong", content: { "application/problem+json": { schema: problemSchema } } };
}

function summary(errors: readonly { readonly at: string; readonly message: string }[]): string {
  const shown = errors.slice(0, 5).map(({ at, message }) => (at === "" ? message : `${at}: ${message}`));
  return shown.join("; ") + (errors.length > shown.length ? `; and ${errors.length - shown.length} more` : "");
}
