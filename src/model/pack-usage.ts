/**
 * Token counts as they are stored: `{"in":812,"out":24,"raw":"openai-responses"}`. What follows from other counts is
 * left out, and so is the provider's own report when it is one of `RAW_REPORTS`, filled with the counts.
 */
import { definedFields } from "../errors/error-fields.ts";
import { isJsonObject, type JsonObject, sameJson } from "../journal/json.ts";

interface Counts {
  readonly in: unknown;
  readonly noCache: unknown;
  readonly cacheRead: unknown;
  readonly cacheWrite: unknown;
  readonly out: unknown;
  readonly text: unknown;
  readonly reasoning: unknown;
}

/** Providers' reports that hold nothing but counts. The names are stored, so none may change its meaning. */
const RAW_REPORTS: Readonly<Record<string, (counts: Counts) => JsonObject>> = {
  "openai-responses": (counts) => ({
    ...definedFields({ input_tokens: counts.in, output_tokens: counts.out, total_tokens: sum(counts.in, counts.out) }),
    input_tokens_details: cacheDetails(counts),
    output_tokens_details: definedFields({ reasoning_tokens: counts.reasoning }),
  }),
  "openai-chat": (counts) => ({
    ...chatTotals(counts),
    prompt_tokens_details: cacheDetails(counts),
    completion_tokens_details: {
      ...definedFields({ reasoning_tokens: counts.reasoning }),
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }),
  "openai-chat-totals": chatTotals,
};

function chatTotals(counts: Counts): JsonObject {
  return definedFields({
    prompt_tokens: counts.in,
    completion_tokens: counts.out,
    total_tokens: sum(counts.in, counts.out),
  });
}

function cacheDetails(counts: Counts): JsonObject {
  return definedFields({ cached_tokens: counts.cacheRead, cache_write_tokens: counts.cacheWrite });
}

/** The compact form; a usage that it cannot hold is left as it is. */
export function packUsage(usage: unknown): unknown {
  if (!isJsonObject(usage)) return usage;
  const counts = countsOf(usage);
  const { raw } = usage;
  const packed = definedFields({
    in: counts.in,
    out: counts.out,
    cacheRead: unless(counts.cacheRead, 0),
    cacheWrite: counts.cacheWrite,
    reasoning: unless(counts.reasoning, 0),
    noCache: unless(counts.noCache, impliedNoCache(counts)),
    text: unless(counts.text, impliedText(counts)),
    raw: Object.keys(RAW_REPORTS).find((name) => sameJson(RAW_REPORTS[name]?.(counts), raw)) ?? raw,
  });
  return sameJson(unpackUsage(packed), usage) ? packed : usage;
}

/** The usage that was packed. */
export function unpackUsage(packed: unknown): unknown {
  if (!isJsonObject(packed) || "inputTokens" in packed) return packed;
  const read = {
    in: packed["in"],
    cacheRead: or(packed["cacheRead"], 0),
    cacheWrite: packed["cacheWrite"],
    out: packed["out"],
    reasoning: or(packed["reasoning"], 0),
  };
  const counts: Counts = {
    ...read,
    noCache: or(packed["noCache"], impliedNoCache(read)),
    text: or(packed["text"], impliedText(read)),
  };
  const { raw } = packed;
  const report = typeof raw === "string" && Object.hasOwn(RAW_REPORTS, raw) ? RAW_REPORTS[raw]?.(counts) : raw;
  const { in: input, noCache, cacheRead, cacheWrite, out, text, reasoning } = counts;
  return {
    inputTokens: definedFields({ total: input, noCache, cacheRead, cacheWrite }),
    outputTokens: definedFields({ total: out, text, reasoning }),
    ...(report === undefined ? {} : { raw: report }),
  };
}

function countsOf(usage: JsonObject): Counts {
  const input = isJsonObject(usage["inputTokens"]) ? usage["inputTokens"] : {};
  const output = isJsonObject(usage["outputTokens"]) ? usage["outputTokens"] : {};
  return {
    in: input["total"],
    noCache: input["noCache"],
    cacheRead: input["cacheRead"],
    cacheWrite: input["cacheWrite"],
    out: output["total"],
    text: output["text"],
    reasoning: output["reasoning"],
  };
}

function impliedNoCache(counts: Pick<Counts, "cacheRead" | "cacheWrite" | "in">): number | undefined {
  const cached = sum(counts.cacheRead ?? 0, counts.cacheWrite ?? 0);
  return typeof counts.in === "number" && cached !== undefined ? counts.in - cached : undefined;
}

function impliedText({ out, reasoning = 0 }: Pick<Counts, "out" | "reasoning">): number | undefined {
  return typeof out === "number" && typeof reasoning === "number" ? out - reasoning : undefined;
}

function sum(one: unknown, other: unknown): number | undefined {
  return typeof one === "number" && typeof other === "number" ? one + other : undefined;
}

/** What stands for a count: nothing when it is as implied, null when it is unknown against that. */
function unless(count: unknown, implied: number | undefined): unknown {
  return count === implied ? undefined : (count ?? null);
}

function or(stored: unknown, implied: number | undefined): unknown {
  return stored === undefined ? implied : (stored ?? undefined);
}
