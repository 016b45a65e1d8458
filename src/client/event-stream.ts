/** Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), as far as the app uses them. */

/** One event. */
export interface ServerEvent {
  /** Its `id`; undefined without one. */
  readonly id: string | undefined;
  readonly data: string;
}

/** The events of a body, as they come. Throws what the connection throws when it breaks. */
export async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      // An event is complete with its empty line; a line may end with CR LF.
      const blocks = text.split(/\r?\n\r?\n/);
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = eventOf(block);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    // Not awaited: the connection may be stuck.
    reader.cancel().catch(() => undefined);
  }
}

/** Undefined for a comment. */
function eventOf(block: string): ServerEvent | undefined {
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [name = "", ...rest] = line.split(":");
    const value = rest.join(":").replace(/^ /, "");
    if (name === "id") id = value;
    if (name === "data") data.push(value);
  }
  return data.length === 0 ? undefined : { id, data: data.join("\n") };
}
