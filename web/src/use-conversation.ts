/**
 * A conversation that stays in step with the app, whoever else talks in it.
 *
 * `useChat` streams what this tab sends. Beside it the app is asked, every second or so, what is the case: a turn that
 * runs and is not being read here (after a reload, a lost connection, in a second tab, when a person has answered) is
 * read from its beginning, which replaces what is shown of it; and when nothing runs, what the app has is shown.
 */
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport, type UIMessage } from "ai";
import { useMemo, useRef, useState } from "react";
import type { Approval } from "../../src/approvals/approvals.ts";
import { type Api, chatPath, messageOf, type SessionView } from "./api.ts";
import type { Place } from "./place.ts";
import { usePoll } from "./poll.ts";
import { beginningOf, failureOf, isSame, isUnsent, Reading, textOf } from "./reading.ts";
import { useAppState } from "./use-app-state.ts";
import { type Mode, useWaiting, type Waiting } from "./use-waiting.ts";

/** A conversation, and what can be done in it. */
export interface Conversation {
  readonly messages: readonly UIMessage[];
  /** True while a turn runs, here or elsewhere. */
  readonly running: boolean;
  /** What the app said last; undefined before the first time. */
  readonly view: SessionView | undefined;
  /** What people are asked here and have not answered. */
  readonly pending: readonly Approval[];
  readonly waiting: readonly Waiting[];
  /** Ids of tool calls that wait for the client to execute them. */
  readonly calls: ReadonlySet<string>;
  /** Why the last turn, or its connection, failed. */
  readonly error: string | undefined;
  /** True when the last message never reached the app. */
  readonly unsent: boolean;
  /** False while the app does not answer. */
  readonly connected: boolean;
  readonly send: (text: string, mode: Mode) => void;
  readonly retry: () => void;
  /** Looks at once what is the case. */
  readonly refresh: () => Promise<void>;
}

const EVERY_MS = 1_200;
/** While the app does not answer, or a connection was lost. */
const SOON_MS = 500;

/** Follows a conversation. */
export function useConversation(api: Api, place: Place): Conversation {
  const { chat, reading, calls } = useReadingChat(api, place);
  const { view, pending, failure, setFailure, ask } = useAppState(api, place);
  const { waiting, add, settle } = useWaiting(api, place);
  const [unsent, setUnsent] = useState(false);
  // From sending until the app says otherwise: it may have died in between.
  const [isExpected, setExpected] = useState(false);

  const read = async (work: () => Promise<void>): Promise<void> => {
    reading.begin();
    await work().finally(() => {
      reading.end();
    });
    await refresh();
  };
  const refresh = async (signal?: AbortSignal): Promise<void> => {
    const { generation } = reading;
    const said = await ask(signal);
    if (said === undefined) return;
    settle(said.view);
    if (!reading.isFree(generation)) return;
    setExpected(false);
    if (said.view.state === "running") follow(said.view, said.pending);
    else show(said.view);
  };
  const follow = (now: SessionView, asked: readonly Approval[]): void => {
    if (!reading.isNews(now, asked)) return;
    chat.setMessages((shown) => beginningOf(now, shown));
    void read(() => chat.resumeStream());
  };
  const show = (now: SessionView): void => {
    reading.forget();
    let lost = false;
    chat.setMessages((shown) => {
      lost = reading.failed && isUnsent(shown, now);
      return lost || isSame(shown, now.messages) ? shown : [...now.messages];
    });
    setUnsent(lost);
  };

  const isBusy = chat.status === "submitted" || chat.status === "streaming";
  const running = isBusy || isExpected || view?.state === "running";
  const last = chat.messages.at(-1);
  const isTold = last !== undefined && failureOf(last) !== undefined;
  const isCut = failure !== undefined || (chat.status === "error" && running);
  usePoll(refresh, isCut ? SOON_MS : EVERY_MS, `${place.agent}/${place.session}`);
  const sendNow = (text: string, messageId?: string): void => {
    setUnsent(false);
    setExpected(true);
    void read(() => chat.sendMessage(messageId === undefined ? { text } : { text, messageId }));
  };
  const sendLater = (text: string, mode: Mode): void => {
    add(text, mode).then(
      () => refresh(),
      (error: unknown) => {
        setFailure(messageOf(error));
      },
    );
  };
  return {
    messages: chat.messages,
    running,
    view,
    pending,
    waiting,
    calls,
    error: failure ?? (running || isTold ? undefined : chat.error?.message),
    unsent,
    connected: failure === undefined,
    send: (text, mode) => (running ? sendLater(text, mode) : sendNow(text)),
    retry: () => {
      if (last?.role === "user") sendNow(textOf(last), last.id);
    },
    refresh: () => refresh(),
  };
}

/** `useChat`, and a note of what it has read. */
function useReadingChat(
  api: Api,
  { agent, session }: Place,
): { readonly chat: ReturnType<typeof useChat>; readonly reading: Reading; readonly calls: ReadonlySet<string> } {
  const [calls, setCalls] = useState<ReadonlySet<string>>(new Set());
  const reading = useRef(new Reading());
  const transport = useMemo(() => transportOf(api, agent), [api, agent]);
  const chat = useChat({
    id: session,
    transport,
    throttle: 40,
    onFinish: ({ message, finishReason }) => {
      if (finishReason !== undefined) reading.current.finished = message.id;
    },
    onData: ({ type, data }) => {
      if (type === "data-client-call") setCalls((before) => new Set([...before, toolCallIdOf(data)]));
    },
    onError: () => {
      reading.current.failed = true;
      reading.current.forget();
    },
  });
  return { chat, reading: reading.current, calls };
}

function toolCallIdOf(data: unknown): string {
  return (data as { readonly toolCallId?: string } | undefined)?.toolCallId ?? "";
}

/**
 * Only the last message goes out: the app has the others, and believes nobody about them. And without `messageId`: what is
 * sent again is no message that takes the place of another, as the app never had it.
 */
function transportOf(api: Api, agent: string): DefaultChatTransport<UIMessage> {
  return new DefaultChatTransport({
    api: chatPath(agent),
    headers: () => api.headers,
    credentials: "omit",
    prepareSendMessagesRequest: ({ id, messages, trigger, body }) => ({
      body: { ...body, id, messages: messages.slice(-1), trigger, until: "end" },
    }),
    // Also while the turn waits for people: they may answer elsewhere.
    prepareReconnectToStreamRequest: ({ id }) => ({ api: `${chatPath(agent, id)}/stream?until=end` }),
  });
}
