import { useRef, useState } from "react";
import type { Approval } from "../../src/approvals/approvals.ts";
import { type Api, ApiError, messageOf, type SessionView } from "./api.ts";
import type { Place } from "./place.ts";

/** What the app says about a conversation. */
export interface AppState {
  /** What it said last; undefined before the first time. */
  readonly view: SessionView | undefined;
  /** What people are asked here and have not answered. */
  readonly pending: readonly Approval[];
  /** Why it could not be asked, or refused something. */
  readonly failure: string | undefined;
  readonly setFailure: (failure: string) => void;
  /** Asks it. Undefined: it did not answer, or nobody waits any more. */
  readonly ask: (signal?: AbortSignal) => Promise<Answered | undefined>;
}

interface Answered {
  readonly view: SessionView;
  readonly pending: readonly Approval[];
}

/** Asks the app about a conversation. */
export function useAppState(api: Api, place: Place): AppState {
  const { agent, session } = place;
  const [view, setView] = useState<SessionView>();
  const [pending, setPending] = useState<readonly Approval[]>([]);
  const [failure, setFailure] = useState<string>();
  const last = useRef<SessionView>(undefined);
  const ask = async (signal?: AbortSignal): Promise<Answered | undefined> => {
    try {
      const [now, asked] = await Promise.all([
        readView(api, place, last.current, signal),
        api.pending(agent, session, signal).catch(noneWithoutApprovals),
      ]);
      last.current = now;
      setView(now);
      setPending((before) => (isSame(before, asked) ? before : asked));
      setFailure(undefined);
      return { view: now, pending: asked };
    } catch (error) {
      if (signal?.aborted !== true) setFailure(messageOf(error));
      return undefined;
    }
  };
  return { view, pending, failure, setFailure, ask };
}

/** The messages are asked for only when a turn has begun or ended since `last`. */
async function readView(
  api: Api,
  { agent, session }: Place,
  last: SessionView | undefined,
  signal: AbortSignal | undefined,
): Promise<SessionView> {
  if (last !== undefined) {
    const now = await api.session(agent, session, 0, signal);
    const isUnchanged = now.state === last.state && now.turn === last.turn && now.turns === last.turns;
    if (isUnchanged) return { ...now, messages: last.messages };
  }
  return api.session(agent, session, undefined, signal);
}

/** An app without an approval object has no such route. */
function noneWithoutApprovals(error: unknown): readonly Approval[] {
  if (error instanceof ApiError && error.status === 404) return [];
  throw error;
}

function isSame(a: readonly Approval[], b: readonly Approval[]): boolean {
  return a.length === b.length && a.every(({ id }, index) => id === b[index]?.id);
}
