import { type KeyboardEvent, type ReactElement, type SubmitEvent, useId, useState } from "react";
import type { Mode } from "./use-waiting.ts";

/** Where a message is written. */
export function Composer(props: {
  readonly running: boolean;
  readonly send: (text: string, mode: Mode) => void;
  readonly interrupt: () => void;
}): ReactElement {
  const { running, send, interrupt } = props;
  const [text, setText] = useState("");
  const [mode, setMode] = useState<Mode>("queue");
  const field = useId();
  const modeField = useId();
  const isEmpty = text.trim() === "";
  const submit = (): void => {
    if (isEmpty) return;
    send(text.trim(), mode);
    setText("");
  };
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    submit();
  };
  // Enter that ends the input of a character by an input method sends nothing.
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <div className="composer">
      <form onSubmit={onSubmit} aria-label="Message">
        <label htmlFor={field} className="hidden">
          Message
        </label>
        <textarea
          id={field}
          rows={1}
          placeholder="Write a message"
          value={text}
          onKeyDown={onKeyDown}
          onChange={({ target }) => {
            setText(target.value);
          }}
        />
        <div className="row">
          {running ? (
            <>
              <label htmlFor={modeField} className="hidden">
                What becomes of this message
              </label>
              <select
                id={modeField}
                className="push"
                value={mode}
                onChange={({ target }) => {
                  setMode(modeOf(target.value));
                }}
              >
                <option value="queue">after this turn</option>
                <option value="interrupt">instead of this turn</option>
                <option value="steer">into this turn</option>
              </select>
              <button type="button" onClick={interrupt}>
                Interrupt
              </button>
            </>
          ) : (
            <span className="push keys">Enter sends, Shift+Enter begins a line</span>
          )}
          <button type="submit" className="primary" disabled={isEmpty}>
            Send
          </button>
        </div>
      </form>
    </div>
  );
}

function modeOf(value: string): Mode {
  return value === "interrupt" || value === "steer" ? value : "queue";
}
