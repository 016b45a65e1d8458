/** Calls `work` at most once, when the first one asks; all get what came of it. */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    if (result === undefined) {
      result = work();
      // Whoever asks handles its failure; one that nobody waits for any more is no crash.
      result.catch(() => {});
    }
    return result;
  };
}
