import { type ReactElement, useId } from "react";
import { goTo, newSession, type Place } from "./place.ts";

/** Which agent, which conversation. */
export function TopBar(props: {
  readonly name: string;
  readonly agents: readonly string[];
  readonly sessions: readonly string[];
  readonly place: Place | undefined;
  readonly title: string | undefined;
  /** Asks for the conversation to be forgotten; undefined: there is nothing to forget. */
  readonly onDelete: (() => void) | undefined;
}): ReactElement {
  const { name, agents, sessions, place, title, onDelete } = props;
  const agentField = useId();
  const sessionField = useId();
  return (
    <header className="bar">
      <h1>
        Playground <small>{title ?? name}</small>
      </h1>
      <div className="field">
        <label htmlFor={agentField}>Agent</label>
        <select
          id={agentField}
          value={place?.agent ?? ""}
          onChange={({ target }) => {
            goTo({ agent: target.value, session: newSession() });
          }}
        >
          {agents.map((agent) => (
            <option key={agent}>{agent}</option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor={sessionField}>Session</label>
        <select
          id={sessionField}
          value={place?.session ?? ""}
          onChange={({ target }) => {
            if (place !== undefined) goTo({ agent: place.agent, session: target.value });
          }}
        >
          {sessions.map((session) => (
            <option key={session}>{session}</option>
          ))}
        </select>
        <button
          type="button"
          onClick={() => {
            if (place !== undefined) goTo({ agent: place.agent, session: newSession() });
          }}
        >
          New session
        </button>
        <button type="button" disabled={onDelete === undefined} onClick={onDelete}>
          Delete
        </button>
      </div>
    </header>
  );
}
