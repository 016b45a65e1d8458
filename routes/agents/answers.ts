/** Answers about invocations. Each carries the invocation's id in `x-restate-id`, failures included. */
import { z } from "@hono/zod-openapi";
import type { InvocationFailure, InvocationSuccess } from "../../src/ingress/result.ts";
import { HttpProblem } from "../problem.ts";

/** The header with the id of the invocation. */
export const ID_HEADER = "x-restate-id";

/** An invocation without a result so far: the body of 202. Times are ISO 8601. */
export interface PendingInvocation {
  readonly id: string;
  /**
   * `accepted`: Restate has it. `cancelling`: it was asked to end. Otherwise Restate's word: `pending`, `scheduled`,
   * `ready`, `running`, `backing-off`, `suspended`, `paused`.
   */
  readonly status: string;
  /** Path of its result. */
  readonly location: string;
  /** When a delayed one will run. */
  readonly startsAt?: string | undefined;
  readonly createdAt?: string | undefined;
  readonly modifiedAt?: string | undefined;
  /** Attempts that failed since it last got ahead. */
  readonly retryCount?: number | undefined;
  readonly nextRetryAt?: string | undefined;
}

export const pendingSchema: z.ZodType<PendingInvocation> = z
  .object({
    id: z.string(),
    status: z.string(),
    location: z.string(),
    startsAt: z.string().optional(),
    createdAt: z.string().optional(),
    modifiedAt: z.string().optional(),
    retryCount: z.int().optional(),
    nextRetryAt: z.string().optional(),
  })
  .openapi("PendingInvocation");

/**
 * 202: no result so far.
 *
 * @param applied For `preference-applied`.
 */
export function pending(body: PendingInvocation, applied?: string): Response {
  return Response.json(body, {
    status: 202,
    headers: {
      location: body.location,
      [ID_HEADER]: body.id,
      "cache-control": "no-store",
      ...(applied === undefined ? {} : { "preference-applied": applied }),
    },
  });
}

/** What a browser shows without running anything in it. An SVG picture may hold a script. */
const PLAIN_TYPE =
  /^(?:application\/(?:[\w.+-]+\+)?json|text\/(?:plain|csv)|(?:audio|video)\/[\w.+-]+|image\/(?:avif|gif|jpeg|png|webp))(?:\s*;|$)/i;

/**
 * 200: the handler's output, byte for byte; without a body when it returned nothing. A content type that a browser might
 * run, such as `text/html`, and one that is unknown here, is answered as a download of `application/octet-stream`.
 */
export function success({ id, contentType, bytes }: InvocationSuccess, applied?: string): Response {
  const headers = new Headers({ [ID_HEADER]: id, "cache-control": "no-store", "x-content-type-options": "nosniff" });
  if (applied !== undefined) headers.set("preference-applied", applied);
  if (contentType !== undefined && PLAIN_TYPE.test(contentType)) headers.set("content-type", contentType);
  else if (bytes.byteLength > 0) {
    headers.set("content-type", "application/octet-stream");
    headers.set("content-disposition", "attachment");
  }
  return new Response(bytes, { status: 200, headers });
}

/** `invocation-failed`, with the status that the handler chose when it is one of 400–599, else 500. */
export function failed({ id, code, message, errorCode, fields }: InvocationFailure): HttpProblem {
  return new HttpProblem("invocation-failed", code >= 400 && code <= 599 ? code : 500, message, {
    headers: { [ID_HEADER]: id },
    members: {
      invocationId: id,
      error: { code, message, ...(errorCode === undefined ? {} : { errorCode, fields: fields ?? {} }) },
    },
  });
}
