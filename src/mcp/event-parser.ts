/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), as transports of MCP use them. */

/** One event. */
export interface StreamEvent {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly data: string;
}

/** Finds the events in a stream's text. An event is one when its empty line is there: what is cut off is none. */
export class EventParser {
  /** How long to wait before a stream that has ended is asked for again, in milliseconds, if the server says so. */
  retryMs: number | undefined;
  readonly #decoder = new TextDecoder();
  /** Of a line whose end has not come. */
  #pieces: string[] = [];
  #data: string[] = [];
  #id: string | undefined;
  #name: string | undefined;

  /** The events that are complete with these bytes. */
  push(bytes: Uint8Array): readonly StreamEvent[] {
    const [first = "", ...others] = this.#decoder.decode(bytes, { stream: true }).split("\n");
    this.#pieces.push(first);
    const events: StreamEvent[] = [];
    for (const begun of others) {
      const event = this.#line(this.#pieces.join("").replace(/\r$/, ""));
      if (event !== undefined) events.push(event);
      this.#pieces = [begun];
    }
    return events;
  }

  #line(line: string): StreamEvent | undefined {
    if (line === "") return this.#event();
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    if (field === "id") this.#id = value;
    if (field === "event") this.#name = value;
    if (field === "retry" && /^\d{1,9}$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }

  #event(): StreamEvent | undefined {
    const event = { id: this.#id, name: this.#name, data: this.#data.join("\n") };
    const isOne = this.#data.length > 0 || event.id !== undefined;
    this.#data = [];
    this.#id = undefined;
    this.#name = undefined;
    return isOne ? event : undefined;
  }
}

const encoder = new TextEncoder();

/** An event's bytes. */
export function eventBytes({ name = "message", data }: Omit<StreamEvent, "id">): Uint8Array {
  const lines = data.split("\n").map((line) => `data: ${line}\n`);
  return encoder.encode(`event: ${name}\n${lines.join("")}\n`);
}
