import { type ReactElement, type SubmitEvent, useEffect, useId, useRef, useState } from "react";

/** Asks for the API key. It stays in this tab. */
export function KeyDialog(props: { readonly refused: boolean; readonly onKey: (key: string) => void }): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  const [key, setKey] = useState("");
  const title = useId();
  const field = useId();
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
  }, []);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (key.trim() !== "") props.onKey(key.trim());
  };
  return (
    <dialog
      ref={dialog}
      aria-labelledby={title}
      onCancel={(event) => {
        event.preventDefault();
      }}
    >
      <form onSubmit={submit}>
        <h2 id={title}>API key</h2>
        <p>One of the keys in AGENT_API_KEYS. This tab keeps it until it is closed.</p>
        {props.refused ? (
          <p className="note bad" role="alert">
            The app does not know this key
          </p>
        ) : null}
        <label htmlFor={field}>Key</label>
        <input
          id={field}
          type="password"
          autoComplete="off"
          required
          value={key}
          onChange={({ target }) => {
            setKey(target.value);
          }}
        />
        <div className="row">
          <button type="submit" className="primary">
            Continue
          </button>
        </div>
      </form>
    </dialog>
  );
}
