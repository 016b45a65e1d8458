import { HttpProblem } from "../problem.ts";

/**
 * The body, checked to be JSON and passed on byte for byte; undefined when it is empty. Restate would store one that the
 * handler cannot read, and its failure.
 *
 * @throws HttpProblem `malformed-json` (400), also for text that is no UTF-8.
 */
export async function readJson(request: Request): Promise<ArrayBuffer | undefined> {
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength === 0) return undefined;
  try {
    // A byte order mark is no JSON (RFC 8259, section 8.1), so it must not be dropped here.
    JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new HttpProblem("malformed-json", 400, "The body is not JSON in UTF-8", { cause: error });
  }
  return bytes;
}
