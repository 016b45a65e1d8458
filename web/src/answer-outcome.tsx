import type { ReactElement } from "react";

interface AnswerOutcomeProps {
  readonly taken: boolean;
  readonly error: string | undefined;
}

/** What came of an answer, for as long as the conversation does not show it. */
export function AnswerOutcome({ taken, error }: AnswerOutcomeProps): ReactElement | null {
  if (taken)
    return (
      <p className="note" role="status">
        The app has the answer; the run goes on.
      </p>
    );
  if (error === undefined) return null;
  return (
    <p className="note bad" role="alert">
      {error}
    </p>
  );
}
