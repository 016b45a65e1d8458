/** Runs that a test may look at in any order. */

/**
 * Calls `each` with 0 to `count - 1`, at most `width` at a time. A run in memory spends most of its time on turns of the
 * event loop; side by side they share them. Rejects as the first one that fails, and begins none after it.
 */
export async function sideBySide(count: number, width: number, each: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      try {
        await each(next++);
      } catch (error) {
        next = count;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}
