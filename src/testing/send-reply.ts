/** Sends a reply as the Responses protocol does, or breaks as the script says. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import type { MediaAnswer } from "./openai-media.ts";
import { outputItems, responseEvents, responseObject } from "./openai-responses.ts";
import type { ScriptedReply } from "./scripted-reply.ts";

/** How a reply is sent. */
export interface SendOptions {
  readonly stream: boolean;
  /** Makes the ids of the response unique. */
  readonly id: number;
  /** Called right before the script cuts the connection. */
  readonly onCut?: () => void;
}

/** Sends `reply`, after its delay. Settles when it is sent, cut, or nobody listens any more. */
export async function sendReply(response: ServerResponse, reply: ScriptedReply, options: SendOptions): Promise<void> {
  if (await sendFault(response, reply, options)) return;
  if (options.stream) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    await sendEvents(response, reply, options);
  } else {
    response.writeHead(200, { "content-type": "application/json" });
    sendBody(response, reply, options);
  }
}

/** Sends a body of another endpoint, or breaks as the script says. */
export async function sendMedia(
  response: ServerResponse,
  reply: ScriptedReply,
  answer: MediaAnswer,
  options: Pick<SendOptions, "onCut">,
): Promise<void> {
  if (await sendFault(response, reply, options)) return;
  const body = Buffer.from(answer.body);
  const half = body.subarray(0, body.length / 2);
  response.writeHead(200, { "content-type": answer.type });
  if (reply.cutAfter !== undefined) {
    options.onCut?.();
    response.write(half, () => response.destroy());
  } else {
    response.end(reply.malformed === true ? half : body);
  }
}

/** Waits as the reply says, and fails as it says: true when there is nothing left to send. */
async function sendFault(
  response: ServerResponse,
  reply: ScriptedReply,
  { onCut }: Pick<SendOptions, "onCut">,
): Promise<boolean> {
  if (reply.delayMs !== undefined) await delay(reply.delayMs);
  if (response.destroyed) return true;
  if (reply.hang === true) {
    await once(response, "close");
  } else if (reply.cutAfter === 0) {
    onCut?.();
    response.socket?.resetAndDestroy();
  } else if (reply.error !== undefined) {
    const { status, message = `scripted ${status}`, headers = {} } = reply.error;
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify({ error: { message, type: "scripted", code: null, param: null } }));
  } else {
    return false;
  }
  return true;
}

function sendBody(response: ServerResponse, reply: ScriptedReply, { id, onCut }: SendOptions): void {
  const body = JSON.stringify(responseObject(reply, outputItems(reply, id), id));
  const half = body.slice(0, body.length / 2);
  if (reply.cutAfter !== undefined) {
    onCut?.();
    response.write(half, () => response.destroy());
  } else {
    response.end(reply.malformed === true ? half : body);
  }
}

async function sendEvents(response: ServerResponse, reply: ScriptedReply, { id, onCut }: SendOptions): Promise<void> {
  for (const [index, event] of responseEvents(reply, id).entries()) {
    if (response.destroyed) return;
    if (reply.cutAfter === index) {
      onCut?.();
      response.destroy();
      return;
    }
    const data = JSON.stringify({ ...event, sequence_number: index });
    const text = reply.malformed === true && index === 1 ? data.slice(0, data.length / 2) : data;
    await write(response, Buffer.from(`event: ${String(event["type"])}\ndata: ${text}\n\n`), reply);
    await delay(reply.chunkDelayMs ?? 0);
  }
  response.end();
}

async function write(response: ServerResponse, bytes: Buffer, { chunkBytes }: ScriptedReply): Promise<void> {
  for (let from = 0; from < bytes.length; from += chunkBytes ?? bytes.length) {
    response.write(bytes.subarray(from, from + (chunkBytes ?? bytes.length)));
    // A turn of the event loop in between, so that the pieces do not leave as one.
    if (chunkBytes !== undefined) await turn();
  }
}
