import { useState } from "react";
import { messageOf } from "./api.ts";

/** One answer at a time; what was taken stays taken, so the buttons come back only after a failure. */
export function useAnswering(): { busy: boolean; error: string | undefined; run: (work: () => Promise<void>) => void } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const run = (work: () => Promise<void>): void => {
    setBusy(true);
    setError(undefined);
    work().catch((failure: unknown) => {
      setBusy(false);
      setError(messageOf(failure));
    });
  };
  return { busy, error, run };
}
