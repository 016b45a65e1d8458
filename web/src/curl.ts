import { chatPath } from "./api.ts";
import type { Place } from "./place.ts";

/**
 * A command that sends a message to the conversation and prints its stream. Without a key of this start alone it takes the
 * key from the environment, since what is copied ends up in histories and chats.
 */
export function curlOf(origin: string, { agent, session }: Place, text: string, key: string | undefined): string {
  const body = JSON.stringify({ messages: [{ role: "user", parts: [{ type: "text", text }] }] });
  const authorization =
    key === undefined ? '"authorization: Bearer $AGENT_API_KEY"' : quoted(`authorization: Bearer ${key}`);
  return `curl -N ${quoted(origin + chatPath(agent, session))} -H ${authorization} --json ${quoted(body)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
