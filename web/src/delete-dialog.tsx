import { type ReactElement, useEffect, useId, useRef } from "react";

/** Asks before a conversation is forgotten. */
export function DeleteDialog(props: {
  readonly session: string;
  readonly onAnswer: (isSure: boolean) => void;
}): ReactElement {
  const { session, onAnswer } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={title}
      onClose={() => {
        onAnswer(false);
      }}
    >
      <div className="form">
        <h2 id={title}>Delete this conversation?</h2>
        <p>The app forgets {session}, with all its messages. A turn that runs is ended.</p>
        <div className="row">
          <button
            type="button"
            onClick={() => {
              onAnswer(false);
            }}
          >
            Keep it
          </button>
          <button
            type="button"
            className="danger"
            onClick={() => {
              onAnswer(true);
            }}
          >
            Delete
          </button>
        </div>
      </div>
    </dialog>
  );
}
