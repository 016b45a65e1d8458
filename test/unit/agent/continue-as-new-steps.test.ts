/** What later segments know of earlier steps: exact in sums, bounded in size. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type AnyStep,
  NO_STEPS,
  numbered,
  stepCount,
  stepResults,
  totalUsage,
  withSteps,
} from "../../../src/agent/continue-as-new-steps.ts";
import { encodeValue } from "../../../src/journal/codec.ts";

interface Plan {
  readonly tools: readonly string[];
  readonly tokens: number;
}

const plans = fc.array(
  fc.record({ tools: fc.array(fc.constantFrom("a", "b", "__proto__"), { maxLength: 3 }), tokens: fc.nat(99) }),
  { minLength: 1, maxLength: 60, size: "max" },
);

/** A step with these tools and tokens. */
function planned({ tools, tokens }: Plan): AnyStep {
  const [step] = stepResults({
    ...NO_STEPS,
    recent: [
      {
        finishReason: "tool-calls",
        usage: { ...NO_STEPS.usage, inputTokens: tokens, totalTokens: tokens },
        model: { provider: "p", modelId: "m" },
        toolCalls: tools.map((toolName, index) => ({ toolCallId: `${index}`, toolName })),
      },
    ],
  });
  if (step === undefined) throw new Error("no step");
  return step;
}

test("counts, usage and tools are those of the whole run, wherever it was cut", () => {
  fc.assert(
    fc.property(plans, fc.integer({ min: 1, max: 25 }), (run, length) => {
      const steps = run.map(planned);
      let earlier = NO_STEPS;
      for (let at = 0; at < steps.length; at += length) earlier = withSteps(earlier, steps.slice(at, at + length));
      const seen = stepResults(earlier);
      const tokens = run.reduce((sum, step) => sum + step.tokens, 0);
      expect([stepCount(earlier), seen.length]).toEqual([run.length, run.length]);
      expect(totalUsage(earlier).totalTokens).toBe(tokens);
      expect(seen.reduce((sum, step) => sum + (step.usage.totalTokens ?? 0), 0)).toBe(tokens);
      expect(toolsOf(seen)).toEqual(toolsOf(steps));
      expect(seen.map(({ stepNumber }) => stepNumber)).toEqual(steps.map((_, index) => index));
    }),
  );
});

test("what is stored does not grow with the run", () => {
  const of = (count: number): number => {
    const steps = Array.from({ length: count }, (_, n) => planned({ tools: [`made up ${n}`], tokens: 1 }));
    return encodeValue(withSteps(NO_STEPS, steps)).length;
  };
  expect(of(100_000)).toBeLessThan(of(1_000) * 1.1);
  expect(of(1_000)).toBeLessThan(20_000);
});

test("the provider's own account of usage is not kept", () => {
  const step = planned({ tools: [], tokens: 1 });
  const { recent } = withSteps(NO_STEPS, [{ ...step, usage: { ...step.usage, raw: { long: "account" } } }]);
  expect(recent[0]?.usage).toEqual(step.usage);
  expect(recent[0]?.usage).not.toHaveProperty("raw");
});

test("a numbered step is the step, at another place", () => {
  const step = planned({ tools: ["a"], tokens: 3 });
  const later = numbered(step, 41);
  expect(later.stepNumber).toBe(41);
  expect({ ...later }).toEqual({ ...step, stepNumber: 41 });
  expect(numbered(step, 0)).toBe(step);
});

function toolsOf(steps: readonly AnyStep[]): string[] {
  return steps.flatMap(({ toolCalls }) => toolCalls.map(({ toolName }) => toolName)).sort();
}
