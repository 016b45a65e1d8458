import { generateId, type UIMessage } from "ai";
import { useState } from "react";
import { type Api, messageOf, type SessionView } from "./api.ts";
import type { Place } from "./place.ts";

/** What becomes of a message that is sent while a turn runs. */
export type Mode = "queue" | "interrupt" | "steer";

/** A message that the app has and no turn shows yet. */
export interface Waiting {
  readonly id: string;
  readonly text: string;
  readonly mode: Mode;
}

interface WaitingMessages {
  readonly waiting: readonly Waiting[];
  /** Sends a message while a turn runs. Rejects with a text for people. */
  readonly add: (text: string, mode: Mode) => Promise<void>;
  /** Drops those that the app shows. */
  readonly settle: (view: SessionView) => void;
}

/** Messages that were sent while a turn runs. */
export function useWaiting(api: Api, { agent, session }: Place): WaitingMessages {
  const [waiting, setWaiting] = useState<readonly Waiting[]>([]);
  const add = async (text: string, mode: Mode): Promise<void> => {
    const message: UIMessage = { id: generateId(), role: "user", parts: [{ type: "text", text }] };
    setWaiting((before) => [...before, { id: message.id, text, mode }]);
    try {
      await api.post(agent, { id: session, messages: [message], trigger: "submit-message", mode });
    } catch (error) {
      setWaiting((before) => before.filter(({ id }) => id !== message.id));
      throw new Error(messageOf(error), { cause: error });
    }
  };
  const settle = (view: SessionView): void => {
    setWaiting((before) => stillWaiting(before, view));
  };
  return { waiting, add, settle };
}

function stillWaiting(waiting: readonly Waiting[], { state, messages }: SessionView): readonly Waiting[] {
  if (waiting.length === 0) return waiting;
  const shown = new Set(messages.flatMap(({ id, parts }) => [id, ...parts.flatMap(steeringIdOf)]));
  return waiting.filter(({ id, mode }) => {
    if (mode === "steer" && state === "idle") return false;
    return !shown.has(id);
  });
}

function steeringIdOf(part: UIMessage["parts"][number]): string[] {
  return part.type === "steering-message" ? [part.id] : [];
}
