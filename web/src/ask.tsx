/** What a person is asked, answered in place. */
import { type ReactElement, type SubmitEvent, useId, useState } from "react";
import { AnswerOutcome } from "./answer-outcome.tsx";
import { useAnswering } from "./use-answering.ts";
import { Value } from "./value.tsx";

/** Answers one question; rejects when the answer was not taken. */
export type Answer = (id: string, approved: boolean, reason: string | undefined) => Promise<void>;

/** May this tool run? */
export function ApprovalCard(props: {
  readonly id: string;
  readonly tool: string;
  readonly input: unknown;
  readonly why: string | undefined;
  readonly answer: Answer;
}): ReactElement {
  const { id, tool, input, why, answer } = props;
  const [reason, setReason] = useState("");
  const { busy, taken, error, run } = useAnswering();
  const field = useId();
  const decide = (approved: boolean): void => {
    run(() => answer(id, approved, reason.trim() === "" ? undefined : reason.trim()));
  };
  return (
    <section className="ask" aria-label={`Approval of ${tool}`}>
      <p>
        May <code>{tool}</code> run?
      </p>
      {why === undefined ? null : <div className="text">{why}</div>}
      <div>
        <Value label="Input" value={input} />
      </div>
      <div>
        <label htmlFor={field}>Reason (the model is told)</label>
        <input
          id={field}
          value={reason}
          maxLength={1_000}
          autoComplete="off"
          onChange={({ target }) => {
            setReason(target.value);
          }}
        />
      </div>
      <div className="row">
        <button
          type="button"
          className="primary"
          disabled={busy}
          onClick={() => {
            decide(true);
          }}
        >
          Approve
        </button>
        <button
          type="button"
          className="danger"
          disabled={busy}
          onClick={() => {
            decide(false);
          }}
        >
          Deny
        </button>
      </div>
      <AnswerOutcome taken={taken} error={error} />
    </section>
  );
}

/** A tool asks for a text. */
export function QuestionCard(props: {
  readonly id: string;
  readonly question: string;
  readonly answer: Answer;
}): ReactElement {
  const { id, question, answer } = props;
  const [text, setText] = useState("");
  const { busy, taken, error, run } = useAnswering();
  const field = useId();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (text.trim() !== "") run(() => answer(id, true, text.trim()));
  };
  return (
    <form className="ask" onSubmit={submit} aria-label="Question">
      <label htmlFor={field}>{question}</label>
      <textarea
        id={field}
        rows={2}
        required
        value={text}
        onChange={({ target }) => {
          setText(target.value);
        }}
      />
      <div className="row">
        <button type="submit" className="primary" disabled={busy || text.trim() === ""}>
          Answer
        </button>
      </div>
      <AnswerOutcome taken={taken} error={error} />
    </form>
  );
}
