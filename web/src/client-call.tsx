/** A tool call that the app leaves to its client: a page of yours executes it; here its developer says what comes of it. */
import { type ReactElement, useId, useState } from "react";
import { AnswerOutcome } from "./answer-outcome.tsx";
import { useAnswering } from "./use-answering.ts";
import { Value } from "./value.tsx";

/** What a client says of a call. */
export type ClientOutput = { readonly output: unknown } | { readonly errorText: string };

/** Brings the output of a call; rejects when it was not taken. */
export type Bring = (messageId: string, toolCallId: string, said: ClientOutput) => Promise<void>;

/** Waits for the output of a call. */
export function ClientCallCard(props: {
  readonly tool: string;
  readonly input: unknown;
  readonly bring: (said: ClientOutput) => Promise<void>;
}): ReactElement {
  const { tool, input, bring } = props;
  const [text, setText] = useState("");
  const { busy, taken, error, run } = useAnswering();
  const field = useId();
  const isEmpty = text.trim() === "";
  return (
    <section className="ask" aria-label={`Call of ${tool}`}>
      <p>
        <code>{tool}</code> waits for the client to execute it.
      </p>
      <div>
        <Value label="Input" value={input} />
      </div>
      <div>
        <label htmlFor={field}>Output (JSON, or a text)</label>
        <textarea
          id={field}
          rows={2}
          value={text}
          onChange={({ target }) => {
            setText(target.value);
          }}
        />
      </div>
      <div className="row">
        <button
          type="button"
          className="primary"
          disabled={busy || isEmpty}
          onClick={() => {
            run(() => bring({ output: valueOf(text) }));
          }}
        >
          Send output
        </button>
        <button
          type="button"
          className="danger"
          disabled={busy || isEmpty}
          onClick={() => {
            run(() => bring({ errorText: text.trim() }));
          }}
        >
          Send as error
        </button>
      </div>
      <AnswerOutcome taken={taken} error={error} />
    </section>
  );
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
