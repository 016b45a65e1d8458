import { isToolUIPart, type UIMessage } from "ai";
import { memo, type ReactElement } from "react";
import type { Approval } from "../../src/approvals/approvals.ts";
import type { Answer } from "./ask.tsx";
import type { Bring } from "./client-call.tsx";
import { failureOf } from "./reading.ts";
import { Text } from "./text.tsx";
import { ToolCall } from "./tool-call.tsx";

interface MessageProps {
  readonly message: UIMessage;
  /** True for the answer that is being given. */
  readonly live: boolean;
  readonly pending: readonly Approval[];
  readonly answer: Answer;
  /** Ids of calls that wait for the client. */
  readonly calls: ReadonlySet<string>;
  readonly bring: Bring;
}

/** A message of the conversation. */
export const Message = memo(function Message(props: MessageProps): ReactElement {
  const { message, live, pending, answer, calls, bring } = props;
  const isUser = message.role === "user";
  const parts = message.parts.map((part, index) => ({ part, key: `${index}-${part.type}` }));
  return (
    <li className={`message ${message.role}`} data-message={message.id}>
      <h2>{isUser ? "You" : "Agent"}</h2>
      {parts.map(({ part, key }) => {
        if (part.type === "text") {
          if (part.text === "") return null;
          if (isUser) return <UserText key={key} text={part.text} />;
          return <Text key={key} text={part.text} streaming={live && part.state === "streaming"} />;
        }
        if (part.type === "reasoning") {
          return <Reasoning key={key} text={part.text} live={live && part.state === "streaming"} />;
        }
        if (isToolUIPart(part)) {
          const asked = { pending, answer, calls, bring };
          return <ToolCall key={part.toolCallId} part={part} live={live} messageId={message.id} {...asked} />;
        }
        if (part.type === "steering-message") return <Steering key={key} parts={part.parts} />;
        if (part.type === "file") return <FileNote key={key} name={part.filename} type={part.mediaType} />;
        return null;
      })}
      {live && failureOf(message) === undefined && isThinking(message) ? (
        <p className="caret">
          <span className="hidden">Waiting for the answer</span>
        </p>
      ) : null}
      <Fate message={message} />
    </li>
  );
});

/** True while the model has said nothing yet in its step. */
function isThinking({ parts }: UIMessage): boolean {
  const last = parts.at(-1);
  return last === undefined || last.type === "step-start" || (last.type === "text" && last.text === "");
}

/** As it was written. */
function UserText({ text }: { readonly text: string }): ReactElement {
  return <div className="text">{text}</div>;
}

function Reasoning({ text, live }: { readonly text: string; readonly live: boolean }): ReactElement | null {
  if (text === "" && !live) return null;
  return (
    <details className="reasoning" open={live}>
      <summary>{live ? "Thinking" : "Thought"}</summary>
      <Text text={text} streaming={live} />
    </details>
  );
}

function Steering({
  parts,
}: {
  readonly parts: readonly { readonly type: string; readonly text?: string; readonly filename?: string | undefined }[];
}): ReactElement {
  return <p className="note">You added: {parts.map(({ text, filename = "a file" }) => text ?? filename).join(" ")}</p>;
}

function FileNote({ name, type }: { readonly name: string | undefined; readonly type: string }): ReactElement {
  return <p className="note">{name === undefined ? `A file (${type})` : `${name} (${type})`}</p>;
}

/** How a turn ended that did not end well. */
function Fate({ message }: { readonly message: UIMessage }): ReactElement | null {
  const { interrupted } = (message.metadata ?? {}) as { readonly interrupted?: unknown };
  if (interrupted === true) return <p className="note">Interrupted</p>;
  const failure = failureOf(message);
  return failure === undefined ? null : <p className="note bad">{failure}</p>;
}
