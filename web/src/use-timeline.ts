import { useEffect, useEffectEvent, useState } from "react";
import { type Api, ApiError, messageOf, type RunTimeline } from "./api.ts";
import type { Place } from "./place.ts";

/** The journal of the conversation's last turn. */
export interface TimelineState {
  readonly timeline: RunTimeline | undefined;
  /** When it was read, by this browser's clock, in milliseconds. */
  readonly readAt: number;
  /** Why there is none. */
  readonly problem: string | undefined;
}

const EVERY_MS = 700;
/** First pause: until Restate knows of a run that begins. Each further one is twice as long. */
const FIRST_MS = 150;

/** Follows the last turn's journal while a turn runs, and reads it once more after each change. */
export function useTimeline(api: Api, { agent, session }: Place, running: boolean, turns: number): TimelineState {
  const [state, setState] = useState<TimelineState>({ timeline: undefined, readAt: 0, problem: undefined });
  const read = useEffectEvent(async (signal: AbortSignal) => {
    try {
      const timeline = await api.timeline(agent, session, signal);
      if (!signal.aborted) setState({ timeline, readAt: Date.now(), problem: undefined });
      return timeline;
    } catch (error) {
      if (!signal.aborted) setState((before) => ({ ...before, problem: problemOf(error) }));
      return undefined;
    }
  });
  const isBegun = running || turns > 0;
  useEffect(() => {
    if (!isBegun) return undefined;
    const controller = new AbortController();
    const { signal } = controller;
    let pauseMs = FIRST_MS;
    const loop = async (): Promise<void> => {
      const timeline = document.visibilityState === "visible" ? await read(signal) : undefined;
      const isOver = !running && (timeline === undefined || timeline.invocation.status === "completed");
      pauseMs = timeline === undefined ? Math.min(2 * pauseMs, EVERY_MS) : EVERY_MS;
      if (!signal.aborted && !isOver) timer = setTimeout(() => void loop(), pauseMs);
    };
    let timer = setTimeout(() => void loop(), running ? pauseMs : 0);
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [agent, session, isBegun, running, turns]);
  return state;
}

function problemOf(error: unknown): string | undefined {
  if (error instanceof ApiError && error.code === "invocation-not-found") return undefined;
  return messageOf(error);
}
