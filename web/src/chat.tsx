import { type ReactElement, useEffect, useRef } from "react";
import type { Api } from "./api.ts";
import type { Answer } from "./ask.tsx";
import { Composer } from "./composer.tsx";
import { Message } from "./message.tsx";
import type { Place } from "./place.ts";
import type { Conversation } from "./use-conversation.ts";
import type { Mode } from "./use-waiting.ts";

/** Messages to begin with: what the agents of a new project know about. */
const FIRST = ["What is the weather in Berlin?", "Book a trip to Lisbon"];

const MODE_WORDS = { queue: "after this turn", interrupt: "instead of this turn", steer: "into this turn" } as const;

/** The conversation, and where to write. */
export function Chat(props: {
  readonly api: Api;
  readonly place: Place;
  readonly conversation: Conversation;
  readonly interrupt: () => void;
}): ReactElement {
  const { api, place, conversation, interrupt } = props;
  const { messages, running, waiting, pending, error, unsent, retry, refresh, view } = conversation;
  const send = (text: string, mode: Mode): void => {
    conversation.send(text, mode);
  };
  const answer = useRef<Answer>(async (id, approved, reason) => {
    await api.answer(id, { approved, reason });
    await latest.current();
  });
  const latest = useRef(refresh);
  useEffect(() => {
    latest.current = refresh;
  });
  const { scroll, end } = useFollowing(messages);
  const lastAnswer = messages.at(-1);
  return (
    <main className="chat" aria-label={`Conversation with ${place.agent}`}>
      <div className="scroll" ref={scroll} tabIndex={0} role="group" aria-label="Messages">
        {messages.length === 0 && view !== undefined && !running ? <Empty agent={place.agent} send={send} /> : null}
        <ol className="messages" aria-busy={running}>
          {messages.map((message) => (
            <Message
              key={message.id}
              message={message}
              live={running && message === lastAnswer && message.role === "assistant"}
              pending={pending}
              answer={answer.current}
            />
          ))}
          {running && lastAnswer?.role === "user" ? (
            <li className="message assistant">
              <h3>Agent</h3>
              <p className="caret">
                <span className="hidden">Waiting for the answer</span>
              </p>
            </li>
          ) : null}
          {waiting.map(({ id, text, mode }) => (
            <li key={id} className="message user">
              <h3>You, {MODE_WORDS[mode]}</h3>
              <div className="text">{text}</div>
            </li>
          ))}
          {error === undefined ? null : (
            <li className="note bad" role="alert">
              {unsent ? `The message was not sent. ${error} ` : `${error} `}
              {unsent ? (
                <button type="button" onClick={retry}>
                  Send again
                </button>
              ) : null}
            </li>
          )}
        </ol>
        <div ref={end} />
      </div>
      <Composer running={running} send={send} interrupt={interrupt} />
    </main>
  );
}

function Empty(props: { readonly agent: string; readonly send: (text: string, mode: Mode) => void }): ReactElement {
  return (
    <div className="empty">
      <h2>Talk to {props.agent}</h2>
      <p>
        Every step of its answer is kept by Restate. Reload the page, or crash the Worker in the middle of it: it goes
        on where it was.
      </p>
      <div className="row">
        {FIRST.map((text) => (
          <button
            key={text}
            type="button"
            onClick={() => {
              props.send(text, "queue");
            }}
          >
            {text}
          </button>
        ))}
      </div>
    </div>
  );
}

/** Keeps the end in sight while it is in sight: who scrolls back to read is left there. */
function useFollowing(changes: unknown): {
  readonly scroll: React.RefObject<HTMLDivElement | null>;
  readonly end: React.RefObject<HTMLDivElement | null>;
} {
  const scroll = useRef<HTMLDivElement>(null);
  const end = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    const element = scroll.current;
    if (element === null) return undefined;
    const onScroll = (): void => {
      isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < 80;
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      element.removeEventListener("scroll", onScroll);
    };
  }, []);
  useEffect(() => {
    if (isAtEnd.current) end.current?.scrollIntoView({ block: "end" });
  }, [changes]);
  return { scroll, end };
}
