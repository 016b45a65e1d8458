/** What this browser remembers. Storage may be switched off or full: then nothing is remembered, and all else works. */

/** Most sessions that are remembered of one agent. */
const MAX_SESSIONS = 30;
const KEY = "playground:key";

/** The API key, for this tab alone. */
export function storedKey(): string | undefined {
  return read(sessionStorageOf(), KEY);
}

/** Remembers the API key for this tab; undefined forgets it. */
export function storeKey(key: string | undefined): void {
  write(sessionStorageOf(), KEY, key);
}

/** The sessions of an agent that were opened here, the newest first. */
export function storedSessions(agent: string): readonly string[] {
  const text = read(localStorageOf(), `playground:sessions:${agent}`);
  if (text === undefined) return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
  } catch {
    return [];
  }
}

/** Puts a session first among those of its agent. */
export function storeSession(agent: string, session: string): readonly string[] {
  const sessions = [session, ...storedSessions(agent).filter((other) => other !== session)].slice(0, MAX_SESSIONS);
  write(localStorageOf(), `playground:sessions:${agent}`, JSON.stringify(sessions));
  return sessions;
}

/** Forgets a session. */
export function forgetSession(agent: string, session: string): void {
  const sessions = storedSessions(agent).filter((other) => other !== session);
  write(localStorageOf(), `playground:sessions:${agent}`, JSON.stringify(sessions));
}

function read(storage: Storage | undefined, name: string): string | undefined {
  try {
    return storage?.getItem(name) ?? undefined;
  } catch {
    return undefined;
  }
}

function write(storage: Storage | undefined, name: string, value: string | undefined): void {
  try {
    if (value === undefined) storage?.removeItem(name);
    else storage?.setItem(name, value);
  } catch {
    // It is full or switched off.
  }
}

/** Touching it throws where storage is switched off. */
function localStorageOf(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}

function sessionStorageOf(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}
