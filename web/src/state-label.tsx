import type { ReactElement } from "react";

/** A state: a dot for the eye, a word for everybody. */
export function StateLabel({ state, text = state }: { readonly state: string; readonly text?: string }): ReactElement {
  return (
    <span className="state" data-state={state}>
      <i className="dot" aria-hidden="true" />
      {text}
    </span>
  );
}
