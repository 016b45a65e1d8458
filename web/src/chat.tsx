import type { UIMessage } from "ai";
import { type ReactElement, type RefObject, useEffect, useRef } from "react";
import type { Api } from "./api.ts";
import type { Answer } from "./ask.tsx";
import type { Bring, ClientOutput } from "./client-call.tsx";
import { Composer } from "./composer.tsx";
import { Message } from "./message.tsx";
import type { Place } from "./place.ts";
import type { Conversation } from "./use-conversation.ts";
import type { Mode } from "./use-waiting.ts";

/** Messages to begin with: what the agents of a new project know about. */
const FIRST = ["Compare the weather in Berlin, Lisbon, Oslo, Tokyo and Cairo", "Book a trip to Lisbon"];

/** So close to its end the conversation counts as being there. */
const NEAR_PX = 80;

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
  const bring = useRef<Bring>(async (messageId, toolCallId, said) => {
    const message = shown.current.find(({ id }) => id === messageId);
    if (message === undefined) return;
    await api.post(place.agent, { id: place.session, messageId, messages: [withOutput(message, toolCallId, said)] });
    await latest.current();
  });
  const shown = useRef(messages);
  const latest = useRef(refresh);
  useEffect(() => {
    latest.current = refresh;
    shown.current = messages;
  });
  const { scroll, content } = useFollowing();
  const lastAnswer = messages.at(-1);
  return (
    <section className="chat" aria-label={`Conversation with ${place.agent}`}>
      <div className="scroll" ref={scroll} tabIndex={0} role="group" aria-label="Messages">
        {messages.length === 0 && view !== undefined && !running ? <Empty agent={place.agent} send={send} /> : null}
        <ol className="messages" ref={content} aria-busy={running}>
          {messages.map((message) => (
            <Message
              key={message.id}
              message={message}
              live={running && message === lastAnswer && message.role === "assistant"}
              pending={pending}
              answer={answer.current}
              calls={conversation.calls}
              bring={bring.current}
            />
          ))}
          {running && lastAnswer?.role === "user" ? (
            <li className="message assistant">
              <h2>Agent</h2>
              <p className="caret">
                <span className="hidden">Waiting for the answer</span>
              </p>
            </li>
          ) : null}
          {waiting.map(({ id, text, mode }) => (
            <li key={id} className="message user">
              <h2>You, {MODE_WORDS[mode]}</h2>
              <div className="text">{text}</div>
            </li>
          ))}
          {error === undefined ? null : (
            <li className={conversation.connected ? "note bad" : "note"}>
              {unsent ? `The message was not sent. ${error} ` : `${error} `}
              {unsent ? (
                <button type="button" onClick={retry}>
                  Send again
                </button>
              ) : null}
            </li>
          )}
        </ol>
      </div>
      <Composer running={running} send={send} interrupt={interrupt} />
    </section>
  );
}

/** The message as a client sends it that has executed the call. */
function withOutput(message: UIMessage, toolCallId: string, said: ClientOutput): object {
  const state = "output" in said ? "output-available" : "output-error";
  const parts = message.parts.map((part) =>
    "toolCallId" in part && part.toolCallId === toolCallId ? { ...part, state, ...said } : part,
  );
  return { ...message, parts };
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
function useFollowing(): {
  readonly scroll: RefObject<HTMLDivElement | null>;
  readonly content: RefObject<HTMLOListElement | null>;
} {
  const scroll = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const { current: frame } = scroll;
    const { current: list } = content;
    if (frame === null || list === null) return undefined;
    let isAtEnd = true;
    const onScroll = (): void => {
      isAtEnd = frame.scrollHeight - frame.scrollTop - frame.clientHeight < NEAR_PX;
    };
    const observer = new ResizeObserver(() => {
      if (isAtEnd) frame.scrollTop = frame.scrollHeight;
    });
    observer.observe(list);
    observer.observe(frame);
    frame.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      frame.removeEventListener("scroll", onScroll);
    };
  }, []);
  return { scroll, content };
}
