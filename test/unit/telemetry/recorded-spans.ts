/** An exporter that keeps what it gets, and what tests ask of it. */
import type { Span, SpanExporter } from "../../../src/index.ts";
import { withSpanExporter } from "../../../src/telemetry/exporter-scope.ts";

export class RecordedSpans implements SpanExporter {
  readonly spans: Span[] = [];

  async export(spans: readonly Span[]): Promise<void> {
    this.spans.push(...spans);
  }

  /** Runs `action` with spans going here. */
  during<T>(action: () => T): T {
    return withSpanExporter(this, action);
  }

  named(name: string): Span[] {
    return this.spans.filter((span) => span.name === name);
  }

  /** `<name> [<step>]` of every span, sorted: how often each was exported. */
  get counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const span of this.spans) counts[label(span)] = (counts[label(span)] ?? 0) + 1;
    return counts;
  }

  /** The tree of distinct spans, as lines that are indented by depth and sorted. */
  get tree(): string[] {
    const distinct = [...new Map(this.spans.map((span) => [span.spanId, span])).values()];
    const ids = new Set(distinct.map(({ spanId }) => spanId));
    const below = (parent: string | undefined, depth: number): string[] =>
      distinct
        .filter(({ parentSpanId }) =>
          parent === undefined ? parentSpanId === undefined || !ids.has(parentSpanId) : parentSpanId === parent,
        )
        .sort((one, other) => label(one).localeCompare(label(other)))
        .flatMap((span) => [`${"  ".repeat(depth)}${label(span)}`, ...below(span.spanId, depth + 1)]);
    return below(undefined, 0);
  }
}

/** The span's name, and the step that it is of. */
export function label({ name, attributes }: Span): string {
  const step = attributes["restate.step.name"];
  return typeof step === "string" ? `${name} [${step}]` : name;
}
