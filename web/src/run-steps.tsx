import type { CSSProperties, ReactElement } from "react";
import type { TimelineStep } from "../../src/admin/timeline/timeline.ts";
import type { RunTimeline } from "./api.ts";
import { type StepTimes, timesOf, wallMsOf } from "./run-times.ts";
import { shownMs } from "./shown.ts";

/** The steps of a run, in the order of its journal. */
export function RunSteps({
  timeline,
  readAt,
}: {
  readonly timeline: RunTimeline;
  readonly readAt: number;
}): ReactElement {
  const shown = timeline.steps.filter(({ kind }) => kind !== "input" && kind !== "output");
  const times = timesOf(shown, timeline, readAt);
  const wallMs = wallMsOf(timeline, readAt);
  return (
    <ol className="steps" tabIndex={0} aria-label="Steps">
      {shown.map((step, place) => (
        <Step
          key={step.index ?? `expected ${place}`}
          step={step}
          state={stateOf(step, timeline)}
          times={times[place] ?? UNKNOWN}
          wallMs={wallMs}
        />
      ))}
    </ol>
  );
}

const UNKNOWN: StepTimes = { fromMs: undefined, toMs: undefined };

interface StepProps {
  readonly step: TimelineStep;
  readonly state: string;
  readonly times: StepTimes;
  readonly wallMs: number;
}

function Step({ step, state, times, wallMs }: StepProps): ReactElement {
  const { name, kind, attempts, lastFailure, model } = step;
  const { fromMs, toMs } = times;
  const durationMs = fromMs === undefined || toMs === undefined ? undefined : Math.max(0, toMs - fromMs);
  const bar = barOf(times, wallMs);
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

function barOf({ fromMs, toMs }: StepTimes, wallMs: number): CSSProperties | undefined {
  if (fromMs === undefined || wallMs <= 0) return undefined;
  const from = Math.min(1, Math.max(0, fromMs / wallMs));
  const to = Math.min(1, Math.max(from, (toMs ?? wallMs) / wallMs));
  return { marginInlineStart: `${from * 96}%`, width: `${(to - from) * 96}%` };
}
