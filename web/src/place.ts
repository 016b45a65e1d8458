/** Which conversation is open: in the URL's fragment, so that a reload, a bookmark and a second tab find it again. */
import { useSyncExternalStore } from "react";

/** A conversation. */
export interface Place {
  readonly agent: string;
  readonly session: string;
}

/** The place that the URL names. */
export function usePlace(): Place | undefined {
  return placeOf(useSyncExternalStore(subscribe, () => window.location.hash));
}

/** Opens a conversation. */
export function goTo({ agent, session }: Place): void {
  window.location.hash = `${encodeURIComponent(agent)}/${encodeURIComponent(session)}`;
}

/** A name for a new conversation that nobody guesses. */
export function newSession(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener("hashchange", onChange);
  return () => {
    window.removeEventListener("hashchange", onChange);
  };
}

function placeOf(hash: string): Place | undefined {
  const [agent = "", session = ""] = hash.slice(1).split("/");
  try {
    const place = { agent: decodeURIComponent(agent), session: decodeURIComponent(session) };
    return place.agent === "" || place.session === "" ? undefined : place;
  } catch {
    return undefined;
  }
}
