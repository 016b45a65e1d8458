/** What a model is shown of a tool's result. The run's own result keeps all of it, `_meta` and structured content too. */
import type { Tool } from "ai";
import { isJsonObject, type JsonObject } from "../journal/json.ts";

type ToModelOutput = NonNullable<Tool["toModelOutput"]>;
type ModelOutput = Awaited<ReturnType<ToModelOutput>>;
type ContentPart = Extract<ModelOutput, { readonly type: "content" }>["value"][number];

/** Texts as texts; images, sounds and embedded files as files; links and the rest as their JSON. An error is marked as one. */
export const toModelOutput: ToModelOutput = ({ output }: { readonly output: unknown }): ModelOutput => {
  const content = isJsonObject(output) && Array.isArray(output["content"]) ? (output["content"] as unknown[]) : [];
  const parts = content.filter(isJsonObject).map(partOf);
  // Servers should say it as a text, too; not all do.
  const structured = isJsonObject(output) ? output["structuredContent"] : undefined;
  if (parts.length === 0 && structured !== undefined) parts.push({ type: "text", text: JSON.stringify(structured) });
  const isText = parts.every(({ type }) => type === "text");
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("\n");
  if (isJsonObject(output) && output["isError"] === true && isText) return { type: "error-text", value: text };
  return isText ? { type: "text", value: text } : { type: "content", value: parts };
};

function partOf(part: JsonObject): ContentPart {
  const { type, text, data, mimeType, resource } = part;
  if (type === "text" && typeof text === "string") return { type: "text", text };
  if ((type === "image" || type === "audio") && typeof data === "string" && typeof mimeType === "string") {
    return { type: "file", mediaType: mimeType, data: { type: "data", data } };
  }
  if (type === "resource" && isJsonObject(resource)) return resourcePart(resource);
  const { _meta, annotations: _annotations, ...shown } = part;
  return { type: "text", text: JSON.stringify(shown) };
}

/** A resource as a model sees it. */
export function resourcePart(resource: JsonObject): ContentPart {
  const { uri, text, blob, mimeType } = resource;
  if (typeof text === "string") return { type: "text", text };
  if (typeof blob === "string") {
    const mediaType = typeof mimeType === "string" ? mimeType : "application/octet-stream";
    // Models take pictures, sounds and PDF files; of others they are told that they exist.
    if (/^(?:image|audio)\/|^application\/pdf$/.test(mediaType)) {
      return { type: "file", mediaType, data: { type: "data", data: blob } };
    }
    return { type: "text", text: `${String(uri)}: ${mediaType}, ${Math.floor((blob.length * 3) / 4)} bytes` };
  }
  return { type: "text", text: JSON.stringify(resource) };
}
