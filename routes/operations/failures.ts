import type { Context } from "hono";
import { env } from "hono/adapter";
import { isProblem, problemCodeOf, problemOf } from "../problem.ts";
import { type Log, writeTo } from "./log.ts";
import type { Observed } from "./observe.ts";
import { describeFailure } from "./redact.ts";

/** Answers whatever was thrown with problem details. What nobody expected is logged with its stack. */
export function answerFailures(log: Log): (error: Error, context: Context) => Response {
  return (error, anyContext) => {
    const context = anyContext as Context<Observed>;
    context.set("problemCode", problemCodeOf(error));
    if (!isProblem(error)) {
      writeTo(log, {
        time: new Date().toISOString(),
        level: "error",
        message: "failure",
        requestId: context.get("requestId"),
        error: describeFailure(error, env(context)),
      });
    }
    return problemOf(error);
  };
}
