import { type DynamicToolUIPart, getToolName, type ToolUIPart } from "ai";
import type { ReactElement } from "react";
import type { Approval } from "../../src/approvals/approvals.ts";
import { type Answer, ApprovalCard, QuestionCard } from "./ask.tsx";
import { type Bring, ClientCallCard } from "./client-call.tsx";
import { StateLabel } from "./state-label.tsx";
import { briefly, Value } from "./value.tsx";

type ToolPart = ToolUIPart | DynamicToolUIPart;

/** A tool call: what it was called with, what it gave, and what a person is asked about it. */
export function ToolCall(props: {
  readonly part: ToolPart;
  readonly live: boolean;
  readonly pending: readonly Approval[];
  readonly answer: Answer;
  /** Ids of calls that wait for the client. */
  readonly calls: ReadonlySet<string>;
  readonly messageId: string;
  readonly bring: Bring;
}): ReactElement {
  const { part, live, pending, answer, calls, messageId, bring } = props;
  const name = getToolName(part);
  const open = pending.find(({ toolCallId }) => toolCallId === part.toolCallId);
  if (open?.kind === "question") return <QuestionCard id={open.id} question={open.reason ?? name} answer={answer} />;
  if (part.state === "approval-requested" && live) {
    const why = part.approval.requestReason ?? open?.reason;
    return <ApprovalCard id={part.approval.id} tool={name} input={part.input} why={why} answer={answer} />;
  }
  if (part.state === "input-available" && live && calls.has(part.toolCallId)) {
    const bringIt = (said: Parameters<Bring>[2]): Promise<void> => bring(messageId, part.toolCallId, said);
    return <ClientCallCard tool={name} input={part.input} bring={bringIt} />;
  }
  const { state, text } = stateOf(part, live);
  return (
    <details className="tool">
      <summary>
        <b>{name}</b>
        <span className="brief">{briefly(part.input)}</span>
        <StateLabel state={state} text={text} />
      </summary>
      {part.input === undefined ? null : <Value label="Input" value={part.input} />}
      <Outcome part={part} />
    </details>
  );
}

function Outcome({ part }: { readonly part: ToolPart }): ReactElement | null {
  switch (part.state) {
    case "output-available":
      return <Value label={part.preliminary === true ? "Output so far" : "Output"} value={part.output} />;
    case "output-error":
      return <Value label="Error" value={part.errorText} />;
    case "output-denied":
    case "approval-responded":
      return part.approval.reason === undefined ? null : <Value label="Reason" value={part.approval.reason} />;
    default:
      return null;
  }
}

function stateOf(part: ToolPart, live: boolean): { readonly state: string; readonly text: string } {
  switch (part.state) {
    case "output-available":
      return part.preliminary === true && live
        ? { state: "running", text: "running" }
        : { state: "done", text: "done" };
    case "output-error":
      return { state: "failed", text: "failed" };
    case "output-denied":
      return { state: "denied", text: "denied" };
    case "approval-responded":
      return part.approval.approved
        ? { state: live ? "running" : "failed", text: live ? "approved, running" : "approved, ended" }
        : { state: "denied", text: "denied" };
    case "approval-requested":
      return { state: "failed", text: "not answered" };
    case "input-streaming":
    case "input-available":
      return live ? { state: "running", text: "running" } : { state: "failed", text: "ended" };
  }
}
