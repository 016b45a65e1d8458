/** What an app logs: one line a request, and one for each failure that nobody expected. */
import type { ProblemCode } from "../problem.ts";

/** One request. Holds no body, token, query or key: `route` is a pattern, and names are only those of this app's services. */
export interface RequestLine {
  /** When its answer was ready, ISO 8601. */
  readonly time: string;
  /** `info` below 400, `warn` below 500, else `error`. */
  readonly level: "info" | "warn" | "error";
  readonly message: "request";
  readonly requestId: string;
  readonly method: string;
  /** Such as `/agents/{service}/{handler}`; null when nothing is served there. */
  readonly route: string | null;
  readonly status: number;
  /** Code of the problem that it was answered with. */
  readonly code?: ProblemCode | undefined;
  /** Until the answer's head was ready, in milliseconds; an answer that streams goes on after that. */
  readonly durationMs: number;
  /** How much of it went by waiting for Restate. */
  readonly restateMs?: number | undefined;
  readonly invocationId?: string | undefined;
  readonly service?: string | undefined;
  readonly handler?: string | undefined;
}

/** A failure that nobody expected. The request was answered with 500 `internal-error`. */
export interface FailureLine {
  readonly time: string;
  readonly level: "error";
  readonly message: "failure";
  readonly requestId: string;
  /** Stacks of the error and its causes, without the values of secret settings. */
  readonly error: string;
}

/** What `log` of `createEdgeApp()` is given. */
export type LogLine = RequestLine | FailureLine;

/** Takes lines. */
export type Log = (line: LogLine) => void;

/** JSON, one line each: requests to `console.log`, failures to `console.error`. */
export const consoleLog: Log = (line) => {
  console[line.message === "failure" ? "error" : "log"](JSON.stringify(line));
};

/** With `log: false` only failures are told. */
export const quietLog: Log = (line) => {
  if (line.message === "failure") consoleLog(line);
};

/** A log that throws must not fail the request. */
export function writeTo(log: Log, line: LogLine): void {
  try {
    log(line);
  } catch (error) {
    console.error("Cannot log", error);
  }
}

/** Level of a request's line. */
export function levelOf(status: number): RequestLine["level"] {
  if (status < 400) return "info";
  return status < 500 ? "warn" : "error";
}
