/** Header of the id, in requests and in answers. */
export const REQUEST_ID_HEADER = "x-request-id";

/** What ids of proxies, tracers and UUIDs look like. Anything else could break a log or an answer's headers. */
const WELL_FORMED = /^[\w.=:-]{8,128}$/;

/** The id of a request: the caller's when it is well-formed, else a new UUID. */
export function requestIdOf(request: Request): string {
  const sent = request.headers.get(REQUEST_ID_HEADER);
  return sent !== null && WELL_FORMED.test(sent) ? sent : crypto.randomUUID();
}
