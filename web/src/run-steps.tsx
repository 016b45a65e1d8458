import type { CSSProperties, ReactElement } from "react";
import type { TimelineStep } from "../../src/admin/timeline/timeline.ts";
import type { RunTimeline } from "./api.ts";
import { shownMs } from "./shown.ts";

/** The steps of a run, in the order of its journal. */
export function RunSteps({ timeline }: { readonly timeline: RunTimeline }): ReactElement {
  const { steps, invocation, totals } = timeline;
  const shown = steps.filter(({ kind }) => kind !== "input" && kind !== "output");
  const start = Date.parse(invocation.createdAt);
  return (
    <ol className="steps" tabIndex={0} aria-label="Steps">
      {shown.map((step, place) => (
        <Step
          key={step.index ?? `expected ${place}`}
          step={step}
          state={stateOf(step, timeline)}
          from={fraction(step.startedAt, start, totals.wallMs)}
          to={fraction(step.completedAt, start, totals.wallMs) ?? 1}
        />
      ))}
    </ol>
  );
}

interface StepProps {
  readonly step: TimelineStep;
  readonly state: string;
  readonly from: number | undefined;
  readonly to: number;
}

function Step({ step, state, from, to }: StepProps): ReactElement {
  const { name, kind, durationMs, attempts, lastFailure, model } = step;
  const bar: CSSProperties | undefined =
    from === undefined
      ? undefined
      : { marginInlineStart: `${from * 96}%`, width: `${Math.max(0, Math.min(to, 1) - from) * 96}%` };
  const tokens = model === undefined ? undefined : `${model.tokens.input ?? 0} → ${model.tokens.output ?? 0} tokens`;
  // What the journal does by itself: there is nothing to wait for.
  if (kind === "state" || (durationMs === 0 && attempts === 1 && state !== "failed" && model === undefined)) {
    return <BriefStep name={kind === "state" ? `state ${shownName(step)}` : shownName(step)} state={state} />;
  }
  const more = [state, attempts > 1 ? `${attempts} attempts` : undefined, tokens].filter((text) => text !== undefined);
  return (
    <li className="step" data-state={state}>
      <i className="dot" aria-hidden="true" />
      <span className="name" title={name ?? kind}>
        {shownName(step)}
      </span>
      <span className="time">{durationMs === undefined ? "" : shownMs(durationMs)}</span>
      {bar === undefined ? null : (
        <div className="track" aria-hidden="true">
          <i style={bar} />
        </div>
      )}
      <span className="more">{more.join(" · ")}</span>
      {lastFailure === undefined ? null : <span className="failure">{lastFailure.message}</span>}
    </li>
  );
}

function BriefStep({ name, state }: { readonly name: string; readonly state: string }): ReactElement {
  return (
    <li className="step brief" data-state={state}>
      <i className="dot" aria-hidden="true" />
      <span className="name">{name}</span>
      <span className="time">{state}</span>
    </li>
  );
}

/** An awakeable has an id, and no name. */
function shownName({ name, kind }: TimelineStep): string {
  if (kind === "awakeable") return "answer from outside";
  return name === undefined || name === "" ? kind : name;
}

/**
 * While a run goes on, what was complete before Restate's last call of the app came from the journal in that call: it was
 * replayed, not done again.
 */
function stateOf({ status, completedAt, kind }: TimelineStep, { invocation }: RunTimeline): string {
  if (status !== "completed") return status;
  const { lastStartAt, status: run } = invocation;
  const isGoingOn = run !== "completed" && lastStartAt !== undefined && completedAt !== undefined;
  const isStep = kind !== "signal" && kind !== "awakeable" && kind !== "cancel";
  return isStep && isGoingOn && Date.parse(completedAt) < Date.parse(lastStartAt) ? "replayed" : "done";
}

function fraction(at: string | undefined, start: number, wallMs: number): number | undefined {
  if (at === undefined || wallMs <= 0) return undefined;
  return Math.min(1, Math.max(0, (Date.parse(at) - start) / wallMs));
}
