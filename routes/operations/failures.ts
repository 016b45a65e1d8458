import type { Context } from "hono";
import { env } from "hono/adapter";
import { isProblem, problemCodeOf, problemOf } from "../problem.ts";
import { type Log, writeTo } from "./log.ts";
import type { Observed } from "./observe.ts";
import { describeFailure } from "./redact.ts";

/** Answers whatever was thrown with problem details. What nobody expected is logged with its stack. */
export function answerFailures(log: Log): (error: Error, context: Context) => Response {
  return (error, anyContext) => {
    (anyContext as Context<Observed>).set("problemCode", problemCodeOf(error));
    if (!isProblem(error)) logFailure(log, error, anyContext);
    return problemOf(error);
  };
}

/** Logs what nobody expected, with its stack and without secrets. */
export function logFailure(log: Log, error: unknown, anyContext: Context): void {
  const context = anyContext as Context<Observed>;
  writeTo(log, {
    time: new Date().toISOString(),
    level: "error",
    message: "failure",
    requestId: context.get("requestId"),
    error: describeFailure(error, env(context)),
  });
}
