/** A prompt of a server, as messages for a model. */
import type { ModelMessage } from "ai";
import { isJsonObject, type JsonObject } from "../journal/json.ts";
import { resourcePart } from "./model-output.ts";

/** The messages of a `prompts/get` result. What a model cannot take in a message is told as its JSON. */
export function promptMessages(result: unknown): ModelMessage[] {
  const messages = isJsonObject(result) && Array.isArray(result["messages"]) ? (result["messages"] as unknown[]) : [];
  return messages.filter(isJsonObject).map(messageOf);
}

function messageOf({ role, content }: JsonObject): ModelMessage {
  const parts = (Array.isArray(content) ? (content as unknown[]) : [content]).filter(isJsonObject);
  if (role === "assistant") return { role: "assistant", content: parts.map(textOf).join("\n") };
  return { role: "user", content: parts.map(userPart) };
}

type UserPart = Exclude<Extract<ModelMessage, { readonly role: "user" }>["content"], string>[number];

function userPart(part: JsonObject): UserPart {
  const { type, data, mimeType, resource } = part;
  if ((type === "image" || type === "audio") && typeof data === "string" && typeof mimeType === "string") {
    return { type: "file", mediaType: mimeType, data };
  }
  if (type === "resource" && isJsonObject(resource)) {
    const shown = resourcePart(resource);
    const { blob, mimeType: mediaType } = resource;
    if (shown.type === "file" && typeof blob === "string" && typeof mediaType === "string") {
      return { type: "file", mediaType, data: blob };
    }
    return { type: "text", text: shown.type === "text" ? shown.text : JSON.stringify(resource) };
  }
  return { type: "text", text: textOf(part) };
}

function textOf({ type, text, ...rest }: JsonObject): string {
  return type === "text" && typeof text === "string" ? text : JSON.stringify({ type, ...rest });
}
