/**
 * Files of earlier turns that cannot be had any more, such as links that have expired. A model that takes no URLs is
 * given their content, so they are downloaded with each turn: one that is lost would fail every turn to come. The turn that
 * finds out fails; from then on the model is told of the file instead.
 */
import type { ModelMessage } from "ai";
import { DownloadFailedError } from "../../errors/download-failed-error.ts";
import { readProperty } from "../../errors/read-error.ts";
import { shownUrl } from "../../errors/shown-url.ts";

/** Most files that are remembered as lost; the oldest ones are forgotten. */
const MAX_LOST = 50;

/** The files that are lost when a turn has failed with `error`. */
export function lostFilesAfter(lost: readonly string[], error: unknown): readonly string[] {
  if (!DownloadFailedError.isInstance(error) || lost.includes(error.url)) return lost;
  return [...lost, error.url].slice(-MAX_LOST);
}

/** Messages of earlier turns, with a note in the place of each file that is lost. */
export function withoutLostFiles(messages: readonly ModelMessage[], lost: readonly string[]): ModelMessage[] {
  if (lost.length === 0) return [...messages];
  return messages.map((message) => {
    if (message.role !== "user" || typeof message.content === "string") return message;
    const content = message.content.map((part) => {
      const url = part.type === "file" ? urlOf(part.data) : undefined;
      if (url === undefined || !lost.includes(url)) return part;
      return { type: "text" as const, text: `[The file ${url} is not available any more.]` };
    });
    return { ...message, content };
  });
}

/** Where a file is, as errors show it; undefined when the message itself holds it. */
function urlOf(data: unknown): string | undefined {
  const url = readProperty(data, "url") ?? data;
  const text = url instanceof URL ? url.href : url;
  if (typeof text !== "string") return undefined;
  return /^https?:/i.test(text) ? shownUrl(text) : undefined;
}
