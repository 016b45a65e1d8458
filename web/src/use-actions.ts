import { type Api, messageOf } from "./api.ts";
import { curlOf } from "./curl.ts";
import { goTo, newSession, type Place } from "./place.ts";
import { textOf } from "./reading.ts";
import { forgetSession } from "./stored.ts";
import type { Conversation } from "./use-conversation.ts";

/** What can be done about a conversation and its run. */
export interface Actions {
  readonly interrupt: () => void;
  readonly cancel: (invocationId: string) => void;
  readonly crash: () => void;
  readonly copyCurl: () => void;
  readonly remove: () => void;
}

interface ActionsInit {
  readonly api: Api;
  readonly place: Place;
  readonly conversation: Conversation;
  /** A key that may be shown. */
  readonly shownKey: string | undefined;
  readonly say: (text: string) => void;
}

/** Makes them: each says what came of it. */
export function actionsOf({ api, place, conversation, shownKey, say }: ActionsInit): Actions {
  const { agent, session } = place;
  const attempt = (work: () => Promise<unknown>, done: string): void => {
    work().then(
      () => {
        say(done);
        void conversation.refresh();
      },
      (error: unknown) => {
        say(messageOf(error));
      },
    );
  };
  const copyCurl = (): Promise<void> => {
    const last = conversation.messages.findLast(({ role }) => role === "user");
    const text = curlOf(window.location.origin, place, last === undefined ? "Hello" : textOf(last), shownKey);
    return copy(text);
  };
  const remove = async (): Promise<void> => {
    await api.reset(agent, session);
    forgetSession(agent, session);
    goTo({ agent, session: newSession() });
  };
  return {
    interrupt: () => {
      attempt(() => api.interrupt(agent, session), "Interrupted");
    },
    cancel: (id) => {
      attempt(() => api.cancel(id), "Cancelled");
    },
    crash: () => {
      attempt(() => api.crash().catch(unlessGone), "The Worker was killed, and starts again");
    },
    copyCurl: () => {
      attempt(copyCurl, "Copied");
    },
    remove: () => {
      attempt(remove, "Deleted");
    },
  };
}

/** A connection that breaks is what a crash looks like. */
function unlessGone(error: unknown): void {
  if (!(error instanceof TypeError)) throw error;
}

/** Browsers give the clipboard to pages over HTTPS and on this machine alone. */
async function copy(text: string): Promise<void> {
  const { clipboard } = navigator as { readonly clipboard?: Clipboard };
  if (clipboard === undefined) throw new Error("The browser lets this page copy nothing");
  await clipboard.writeText(text);
}
