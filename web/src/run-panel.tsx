import type { ReactElement } from "react";
import type { PlaygroundConfig, RunTimeline } from "./api.ts";
import { RunSteps } from "./run-steps.tsx";
import { wallMsOf } from "./run-times.ts";
import { shownMs } from "./shown.ts";
import { StateLabel } from "./state-label.tsx";
import type { Actions } from "./use-actions.ts";
import type { TimelineState } from "./use-timeline.ts";

/** Beside the conversation: what the journal has of its last turn. */
export function RunPanel(props: {
  readonly state: TimelineState;
  readonly running: boolean;
  readonly config: PlaygroundConfig;
  readonly actions: Actions;
}): ReactElement {
  const { state, running, config, actions } = props;
  const { timeline, readAt, problem } = state;
  const invocation = timeline?.invocation;
  return (
    <section className="run" aria-label="Run">
      <header>
        <h2>
          Run
          {invocation === undefined || problem !== undefined ? null : (
            <RunState status={invocation.status} result={invocation.result} />
          )}
        </h2>
        {invocation === undefined ? null : (
          <p className="id mono" title={invocation.id}>
            {invocation.id}
          </p>
        )}
        {timeline === undefined ? null : <Facts timeline={timeline} readAt={readAt} />}
        <div className="actions">
          <button type="button" disabled={!running} onClick={actions.interrupt}>
            Interrupt
          </button>
          <button
            type="button"
            disabled={!running || invocation === undefined}
            onClick={() => {
              if (invocation !== undefined) actions.cancel(invocation.id);
            }}
          >
            Cancel
          </button>
          {config.canCrash ? (
            <button type="button" className="danger" onClick={actions.crash}>
              Crash the Worker
            </button>
          ) : null}
          <button type="button" onClick={actions.copyCurl}>
            Copy as curl
          </button>
          {config.restateUi === undefined || invocation === undefined ? null : (
            <a
              className="button"
              href={`${config.restateUi}/ui/invocations/${invocation.id}`}
              target="_blank"
              rel="noreferrer"
            >
              Open in Restate
            </a>
          )}
        </div>
        {problem === undefined ? null : <p className="note">{problem}</p>}
      </header>
      {timeline === undefined ? (
        <p className="none">The steps of the agent appear here as soon as it runs.</p>
      ) : (
        <RunSteps timeline={timeline} readAt={readAt} />
      )}
    </section>
  );
}

function Facts({ timeline, readAt }: { readonly timeline: RunTimeline; readonly readAt: number }): ReactElement {
  const { totals, requests } = timeline;
  const facts: readonly (readonly [string, string | number])[] = [
    ["Steps", totals.steps],
    ["Requests", requests ?? "–"],
    ["Retries", totals.retries],
    ["Tokens in", totals.inputTokens],
    ["Tokens out", totals.outputTokens],
    ["Time", shownMs(wallMsOf(timeline, readAt))],
  ];
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function RunState({ status, result }: { readonly status: string; readonly result: string | undefined }): ReactElement {
  if (status === "completed") {
    return result === "success" || result === undefined ? (
      <StateLabel state="done" />
    ) : (
      <StateLabel state="failed" text={result === "failure" ? "failed" : result} />
    );
  }
  if (status === "running") return <StateLabel state="running" />;
  if (status === "backing-off") return <StateLabel state="retrying" />;
  return <StateLabel state="waiting" text={status === "suspended" ? "waiting" : status} />;
}
