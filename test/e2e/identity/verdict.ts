/** What an answer to a request that must be refused has to be. */
import type { RawResponse } from "./raw-request.ts";

/** workerd answers these itself, no Worker sees them. */
const RUNTIME_REFUSALS: ReadonlySet<string> = new Set([
  'method "post" 501',
  `method "${"X".repeat(20)}" 501`,
  'method "CONNECT" 500',
]);

/** False for an answer that is a success or a failure of the app, and for none in time. 0: the connection was closed. */
export function isRefusal(what: string, status: number): boolean {
  return status === 0 || (status >= 400 && status < 500) || RUNTIME_REFUSALS.has(`${what} ${status}`);
}

/** Such as `400: 3, 404: 5`; 0 is a connection that was closed. */
export function countsOf(statuses: readonly number[]): string {
  const sorted = [...new Set(statuses)].toSorted((a, b) => a - b);
  return sorted.map((status) => `${status}: ${statuses.filter((one) => one === status).length}`).join(", ");
}

/** What is wrong with a refusal, in one line; undefined when it is as it should be. */
export function verdictOn(answer: RawResponse, status: number, code: string): string | undefined {
  const text = answer.body.toString();
  if (answer.status !== status) return `answered ${answer.status} ${text.slice(0, 200)}, not ${status}`;
  if (answer.contentType !== "application/problem+json") return `answered ${answer.contentType}`;
  if (text === "") return undefined; // HEAD
  const problem = JSON.parse(text) as { readonly code: string; readonly status: number };
  return problem.code === code && problem.status === status ? undefined : `answered ${text}`;
}
