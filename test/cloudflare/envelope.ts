/** Cloudflare's envelope around every answer. https://developers.cloudflare.com/fundamentals/api/how-to/make-api-calls/ */

/** Errors that the look-alike knows, as Cloudflare numbers them. */
export const CODE = {
  authentication: 10000,
  notFound: 10007,
  noVersions: 10222,
  invalidUpload: 10021,
  invalidInherit: 10057,
  latestNotDeployed: 10215,
  migrationInUpload: 10211,
  unknownVersion: 100_181,
  unknownRoute: 7003,
} as const;

/** A refusal of the API. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The envelope of a success; lists have `result_info`. */
export function success(result: unknown): object {
  const info = Array.isArray(result)
    ? { result_info: { page: 1, per_page: 1_000, count: result.length, total_count: result.length, total_pages: 1 } }
    : {};
  return { success: true, errors: [], messages: [], result, ...info };
}

/** The envelope of a failure. */
export function failure({ code, message }: { readonly code: number; readonly message: string }): object {
  return { success: false, errors: [{ code, message }], messages: [], result: null };
}
