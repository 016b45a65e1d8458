/** The page: first what the app says about itself, then a key, then the conversation. */
import { type ReactElement, useEffect, useMemo, useState } from "react";
import { Announcer } from "./announcer.tsx";
import { Api, ApiError, messageOf, type PlaygroundConfig, readConfig } from "./api.ts";
import { Chat } from "./chat.tsx";
import { curlOf } from "./curl.ts";
import { KeyDialog } from "./key-dialog.tsx";
import { goTo, newSession, type Place, usePlace } from "./place.ts";
import { textOf } from "./reading.ts";
import { RunPanel } from "./run-panel.tsx";
import { storedKey, storedSessions, storeKey, storeSession } from "./stored.ts";
import { TopBar } from "./top-bar.tsx";
import { useConversation } from "./use-conversation.ts";
import { useTimeline } from "./use-timeline.ts";

/** The whole page. */
export function App(): ReactElement {
  const [config, setConfig] = useState<PlaygroundConfig>();
  const [key, setKey] = useState(storedKey);
  const [agents, setAgents] = useState<readonly string[]>();
  const [needsKey, setNeedsKey] = useState(false);
  const [problem, setProblem] = useState<string>();
  const usedKey = key ?? config?.key;
  const api = useMemo(() => new Api(usedKey), [usedKey]);

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
        if (error instanceof ApiError && error.status === 401) setNeedsKey(true);
        else setProblem(messageOf(error));
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
  return <Playground config={config} api={api} agents={agents} shownKey={key === undefined ? config.key : undefined} />;
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
  return <Open key={key} config={config} api={api} agents={agents} shownKey={shownKey} place={place} />;
}

function Open({ config, api, agents, shownKey, place }: PlaygroundProps & { readonly place: Place }): ReactElement {
  const [sessions] = useState(() => storeSession(place.agent, place.session));
  const [shown, setShown] = useState<"chat" | "run">("chat");
  const { toast, say } = useToast();
  const conversation = useConversation(api, place);
  const { running, view, messages, refresh } = conversation;
  const timeline = useTimeline(api, place, running, view?.turns ?? 0);

  const attempt = (work: () => Promise<unknown>, done: string): void => {
    work().then(
      () => {
        say(done);
        void refresh();
      },
      (error: unknown) => {
        say(messageOf(error));
      },
    );
  };
  const copyCurl = async (): Promise<void> => {
    const last = messages.findLast(({ role }) => role === "user");
    const text = last === undefined ? "Hello" : textOf(last);
    await navigator.clipboard.writeText(curlOf(window.location.origin, place, text, shownKey));
  };
  const actions = {
    interrupt: () => {
      attempt(() => api.interrupt(place.agent, place.session), "Interrupted");
    },
    cancel: (id: string) => {
      attempt(() => api.cancel(id), "Cancelled");
    },
    crash: () => {
      attempt(() => api.crash(), "The Worker was killed, and starts again");
    },
    copyCurl: () => {
      attempt(copyCurl, "Copied");
    },
  };
  return (
    <div className="app">
      <TopBar name={config.name} agents={agents} sessions={sessions} place={place} title={view?.title} />
      <main className="columns" data-shown={shown}>
        <div className="tabs">
          {(["chat", "run"] as const).map((tab) => (
            <button
              key={tab}
              type="button"
              aria-pressed={shown === tab}
              onClick={() => {
                setShown(tab);
              }}
            >
              {tab === "chat" ? "Conversation" : "Run"}
            </button>
          ))}
        </div>
        <Chat api={api} place={place} conversation={conversation} interrupt={actions.interrupt} />
        <RunPanel state={timeline} running={running} config={config} actions={actions} />
      </main>
      <Announcer conversation={conversation} />
      <div className={toast === undefined ? "hidden" : "toast"} role="status">
        {toast}
      </div>
    </div>
  );
}

const TOAST_MS = 4_000;

function useToast(): { readonly toast: string | undefined; readonly say: (text: string) => void } {
  const [toast, setToast] = useState<{ readonly text: string }>();
  useEffect(() => {
    if (toast === undefined) return undefined;
    const timer = setTimeout(() => {
      setToast(undefined);
    }, TOAST_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [toast]);
  return {
    toast: toast?.text,
    say: (text) => {
      setToast({ text });
    },
  };
}
