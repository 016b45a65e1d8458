/** What happens around every request: an id, a line in the log, timing and security headers. */
import type { Context, MiddlewareHandler } from "hono";
import type { AnyService } from "../../src/endpoint/restate-endpoint.ts";
import type { ProblemCode } from "../problem.ts";
import { levelOf, type Log, writeTo } from "./log.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "./request-id.ts";
import { setSecurityHeaders } from "./security-headers.ts";
import { RequestClock, withClock } from "./server-timing.ts";
import { shapesOf } from "./service-shape.ts";
import { restateSubjectOf, type Subject, subjectOf } from "./subject.ts";

/** What a request's handlers and its observer tell each other. */
export interface Observed {
  readonly Variables: {
    /** Also in the answer's `x-request-id`. */
    requestId: string;
    /** Code of the problem that the request is answered with. */
    problemCode?: ProblemCode;
  };
}

/** How requests are observed. */
export interface ObserveOptions {
  readonly services: readonly AnyService[];
  /** Path of the Restate endpoint. */
  readonly mount: string;
  /** Undefined: nothing is logged. */
  readonly log: Log | undefined;
}

/**
 * Outermost of all. Below the Restate endpoint an answer that is no error gets an id and nothing else: it is on the way
 * of every step of every agent, and its body streams.
 */
export function observe({ services, mount, log }: ObserveOptions): MiddlewareHandler<Observed> {
  const shapes = shapesOf(services);
  return async (context, next) => {
    const clock = new RequestClock();
    const requestId = requestIdOf(context.req.raw);
    context.set("requestId", requestId);
    const isRestate = context.req.path.startsWith(`${mount}/`);
    await (isRestate ? next() : withClock(clock, next));
    const headers = writableHeaders(context);
    headers.set(REQUEST_ID_HEADER, requestId);
    const { status } = context.res;
    if (!isRestate || status >= 400) setSecurityHeaders(headers, context.req.url);
    // How long a wrong token took to compare is nobody's business.
    if (!isRestate && status !== 401) headers.set("server-timing", clock.header());
    if (log === undefined) return;
    const subject: Subject = isRestate
      ? restateSubjectOf(context.req.raw, context.req.path, mount, shapes)
      : subjectOf(context, shapes, context.res);
    writeTo(log, {
      time: new Date().toISOString(),
      level: levelOf(status),
      message: "request",
      requestId,
      method: context.req.raw.method.slice(0, 16),
      ...subject,
      status,
      code: context.get("problemCode"),
      durationMs: rounded(clock.totalMs),
      restateMs: clock.restateMs === undefined ? undefined : rounded(clock.restateMs),
    });
  };
}

/** Headers of the answer. Those of an answer that `fetch()` or `Response.redirect()` gave cannot be changed: they are copied. */
function writableHeaders(context: Context<Observed>): Headers {
  try {
    context.res.headers.delete("x-powered-by");
    return context.res.headers;
  } catch {
    const answer = context.res;
    context.res = undefined;
    context.res = new Response(answer.body, answer);
    return context.res.headers;
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
