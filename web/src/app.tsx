/** The page: first what the app says about itself, then a key, then the conversation. */
import { type ReactElement, useEffect, useMemo, useState } from "react";
import { Api, ApiError, messageOf, type PlaygroundConfig, readConfig } from "./api.ts";
import { KeyDialog } from "./key-dialog.tsx";
import { OpenConversation } from "./open-conversation.tsx";
import { goTo, newSession, usePlace } from "./place.ts";
import { storedKey, storedSessions, storeKey } from "./stored.ts";

/** The whole page. */
export function App(): ReactElement {
  const [config, setConfig] = useState<PlaygroundConfig>();
  const [key, setKey] = useState(storedKey);
  const [agents, setAgents] = useState<readonly string[]>();
  const [needsKey, setNeedsKey] = useState(false);
  const [problem, setProblem] = useState<string>();
  const usedKey = key ?? config?.key;
  const api = useMemo(() => {
    // Each start of the development stack makes a new key, and the page may be older.
    const renew = (): void => {
      readConfig().then(
        (now) => {
          setConfig((before) => (before?.key === now.key ? before : now));
        },
        () => {},
      );
    };
    const askAgain = (): void => {
      setAgents(undefined);
      setNeedsKey(true);
    };
    return new Api(usedKey, key === undefined ? renew : askAgain);
  }, [key, usedKey]);

  useEffect(() => {
    readConfig().then(setConfig, (error: unknown) => {
      setProblem(messageOf(error));
    });
  }, []);
  useEffect(() => {
    if (config === undefined) return undefined;
    let isOver = false;
    api.agents().then(
      (found) => {
        if (!isOver) setAgents(found);
      },
      (error: unknown) => {
        if (isOver) return;
        if (error instanceof ApiError && error.status === 401) {
          setAgents(undefined);
          setNeedsKey(true);
        } else setProblem(messageOf(error));
      },
    );
    return () => {
      isOver = true;
    };
  }, [api, config]);

  if (problem !== undefined) return <Problem text={problem} />;
  if (config === undefined || (agents === undefined && !needsKey)) return <Problem text="Loading …" />;
  if (agents === undefined) {
    return (
      <KeyDialog
        key={key}
        refused={key !== undefined}
        onKey={(typed) => {
          storeKey(typed);
          setNeedsKey(false);
          setKey(typed);
        }}
      />
    );
  }
  if (agents.length === 0) {
    return <Problem text="No session is public here: put what agentSession() makes into publicServices." />;
  }
  const shownKey = key === undefined ? config.key : undefined;
  return <Playground key={usedKey} config={config} api={api} agents={agents} shownKey={shownKey} />;
}

function Problem({ text }: { readonly text: string }): ReactElement {
  return (
    <main className="empty">
      <h1 className="hidden">Playground</h1>
      <p role="status">{text}</p>
    </main>
  );
}

interface PlaygroundProps {
  readonly config: PlaygroundConfig;
  readonly api: Api;
  readonly agents: readonly string[];
  /** A key that may be shown: one that was made for this start. */
  readonly shownKey: string | undefined;
}

function Playground({ config, api, agents, shownKey }: PlaygroundProps): ReactElement | null {
  const place = usePlace();
  const isKnown = place !== undefined && agents.includes(place.agent);
  useEffect(() => {
    if (isKnown) return;
    const [agent] = agents;
    if (agent !== undefined) goTo({ agent, session: storedSessions(agent)[0] ?? newSession() });
  }, [isKnown, agents]);
  if (!isKnown) return null;
  const key = `${place.agent}/${place.session}`;
  return <OpenConversation key={key} config={config} api={api} agents={agents} shownKey={shownKey} place={place} />;
}
