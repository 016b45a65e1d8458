import { useEffect, useEffectEvent } from "react";

/**
 * Calls `work` again and again, one call at a time, while the page is visible. It starts anew when `key` changes.
 *
 * @param everyMs Pause between the end of a call and the next one, in milliseconds.
 */
export function usePoll(work: (signal: AbortSignal) => Promise<void>, everyMs: number, key: string): void {
  const latest = useEffectEvent(work);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const loop = async (): Promise<void> => {
      while (!signal.aborted) {
        if (document.visibilityState === "visible") await latest(signal);
        await pause(everyMs, signal);
      }
    };
    void loop();
    return () => {
      controller.abort();
    };
  }, [everyMs, key]);
}

/** Ends early when the page becomes visible again, or when nobody waits any more. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", end);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    document.addEventListener("visibilitychange", end);
    signal.addEventListener("abort", end);
  });
}
