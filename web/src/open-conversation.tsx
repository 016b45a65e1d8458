import { type ReactElement, useState } from "react";
import { Announcer } from "./announcer.tsx";
import type { Api, PlaygroundConfig } from "./api.ts";
import { Chat } from "./chat.tsx";
import { DeleteDialog } from "./delete-dialog.tsx";
import type { Place } from "./place.ts";
import { RunPanel } from "./run-panel.tsx";
import { storeSession } from "./stored.ts";
import { TopBar } from "./top-bar.tsx";
import { actionsOf } from "./use-actions.ts";
import { useConversation } from "./use-conversation.ts";
import { useTimeline } from "./use-timeline.ts";
import { useToast } from "./use-toast.ts";

/** A conversation, and its run beside it. */
export function OpenConversation(props: {
  readonly config: PlaygroundConfig;
  readonly api: Api;
  readonly agents: readonly string[];
  /** A key that may be shown: one that was made for this start. */
  readonly shownKey: string | undefined;
  readonly place: Place;
}): ReactElement {
  const { config, api, agents, shownKey, place } = props;
  const [sessions] = useState(() => storeSession(place.agent, place.session));
  const [shown, setShown] = useState<"chat" | "run">("chat");
  const [isDeleting, setDeleting] = useState(false);
  const { toast, say } = useToast();
  const conversation = useConversation(api, place);
  const { running, view, messages } = conversation;
  const timeline = useTimeline(api, place, running, view?.turns ?? 0);
  const actions = actionsOf({ api, place, conversation, shownKey, say });
  const askToDelete = (): void => {
    setDeleting(true);
  };
  const onAnswer = (isSure: boolean): void => {
    setDeleting(false);
    if (isSure) actions.remove();
  };
  return (
    <div className="app">
      <TopBar
        name={config.name}
        agents={agents}
        sessions={sessions}
        place={place}
        title={view?.title}
        onDelete={messages.length === 0 ? undefined : askToDelete}
      />
      {isDeleting ? <DeleteDialog session={place.session} onAnswer={onAnswer} /> : null}
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
