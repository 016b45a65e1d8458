import { useState } from "react";
import { messageOf } from "./api.ts";

interface Answering {
  readonly busy: boolean;
  /** True once the app has it; the run may take it up later, when it waits for something else, too. */
  readonly taken: boolean;
  readonly error: string | undefined;
  readonly run: (work: () => Promise<void>) => void;
}

/** One answer at a time; what was taken stays taken, so the buttons come back only after a failure. */
export function useAnswering(): Answering {
  const [busy, setBusy] = useState(false);
  const [taken, setTaken] = useState(false);
  const [error, setError] = useState<string>();
  const run = (work: () => Promise<void>): void => {
    setBusy(true);
    setError(undefined);
    work().then(
      () => {
        setTaken(true);
      },
      (failure: unknown) => {
        setBusy(false);
        setError(messageOf(failure));
      },
    );
  };
  return { busy, taken, error, run };
}
