/**
 * `work`'s result, or a plain (so transient) error when it takes longer than `ms` milliseconds; undefined: no bound.
 * Only for use inside a journaled step, where a timer decides nothing about the journal (G8).
 */
export async function within<T>(ms: number | undefined, what: string, work: PromiseLike<T>): Promise<T> {
  if (ms === undefined) return await work;
  const over = Promise.withResolvers<never>();
  // oxlint-disable-next-line no-restricted-globals -- inside a journaled step
  const timer = setTimeout(() => over.reject(new Error(`The ${what} did not arrive within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}
