/** The wire forms of the Responses protocol. */
import type { ScriptedReply } from "./scripted-reply.ts";

type Json = Record<string, unknown>;

/** The `output` of a reply: reasoning, message, function calls. */
export function outputItems(reply: ScriptedReply, n: number): Json[] {
  const items: Json[] = [];
  if (reply.reasoning !== undefined) {
    items.push({ type: "reasoning", id: `rs_${n}`, summary: [{ type: "summary_text", text: reply.reasoning }] });
  }
  if (reply.text !== undefined) {
    const content = [{ type: "output_text", text: reply.text, annotations: [] }];
    items.push({ type: "message", id: `msg_${n}`, role: "assistant", status: "completed", content });
  }
  for (const [index, call] of (reply.toolCalls ?? []).entries()) {
    const id = `fc_${n}_${index}`;
    const input = JSON.stringify(call.input);
    items.push({ type: "function_call", id, call_id: call.id, name: call.name, arguments: input, status: "completed" });
  }
  items.push(...(reply.items ?? []));
  return items;
}

/** The whole response, as answered without streaming and at the end of a stream. */
export function responseObject(reply: ScriptedReply, output: readonly Json[], n: number): Json {
  const { inputTokens = 10, outputTokens = 5 } = reply.usage ?? {};
  return {
    id: `resp_${n}`,
    object: "response",
    created_at: 1_760_000_000 + n,
    model: "gpt-test",
    status: statusOf(reply),
    output: reply.failed === undefined ? output : [],
    error: reply.failed === undefined ? null : { type: "scripted", param: null, ...reply.failed },
    incomplete_details: reply.incomplete === undefined ? null : { reason: reply.incomplete },
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: inputTokens + outputTokens,
    },
  };
}

/** The events of a streamed reply. */
export function responseEvents(reply: ScriptedReply, n: number): Json[] {
  const items = outputItems(reply, n);
  const events: Json[] = [
    { type: "response.created", response: { ...responseObject(reply, [], n), status: "in_progress" } },
  ];
  for (const [index, item] of items.entries()) events.push(...itemEvents(item, index));
  events.push({ type: `response.${statusOf(reply)}`, response: responseObject(reply, items, n) });
  return events;
}

function statusOf(reply: ScriptedReply): "completed" | "failed" | "incomplete" {
  if (reply.failed !== undefined) return "failed";
  return reply.incomplete === undefined ? "completed" : "incomplete";
}

function itemEvents(item: Json, output_index: number): Json[] {
  const item_id = item["id"];
  const done: Json = { type: "response.output_item.done", output_index, item };
  switch (item["type"]) {
    case "message": {
      const [{ text }] = item["content"] as [{ text: string }];
      const added = { ...item, content: [], status: "in_progress" };
      return [
        { type: "response.output_item.added", output_index, item: added },
        ...words(text).map((delta) => ({
          type: "response.output_text.delta",
          item_id,
          output_index,
          content_index: 0,
          delta,
        })),
        done,
      ];
    }
    case "reasoning": {
      const [{ text }] = item["summary"] as [{ text: string }];
      const part = { item_id, output_index, summary_index: 0 };
      return [
        { type: "response.output_item.added", output_index, item: { ...item, summary: [] } },
        { type: "response.reasoning_summary_part.added", ...part, part: { type: "summary_text", text: "" } },
        ...words(text).map((delta) => ({ type: "response.reasoning_summary_text.delta", ...part, delta })),
        { type: "response.reasoning_summary_part.done", ...part, part: { type: "summary_text", text } },
        done,
      ];
    }
    case "function_call": {
      const input = String(item["arguments"]);
      const half = Math.ceil(input.length / 2);
      return [
        { type: "response.output_item.added", output_index, item: { ...item, arguments: "", status: "in_progress" } },
        ...[input.slice(0, half), input.slice(half)].map((delta) => ({
          type: "response.function_call_arguments.delta",
          item_id,
          output_index,
          delta,
        })),
        { type: "response.function_call_arguments.done", item_id, output_index, arguments: input },
        done,
      ];
    }
    default:
      return [{ type: "response.output_item.added", output_index, item }, done];
  }
}

function words(text: string): string[] {
  return text.match(/\S+\s*|\s+/g) ?? [];
}
