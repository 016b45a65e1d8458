import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** A step's result cannot be stored in the journal. */
export class UnserializableValueError extends EdgeAgentError {
  override name = "UnserializableValueError";

  constructor(problem: string, path: string, step?: string) {
    const of = step === undefined ? "a value" : `the result of "${step}"`;
    super({
      errorCode: "unserializable-value",
      message: `Cannot store ${of}: ${path} is ${problem}. Return plain data: JSON values, bytes, dates, URLs, bigints, maps and sets`,
      fields: { problem, path, ...(step === undefined ? {} : { step }) },
    });
  }

  /** The same error, naming the step that it came from. */
  inStep(step: string): UnserializableValueError {
    return new UnserializableValueError(String(this.fields["problem"]), String(this.fields["path"]), step);
  }

  static override isInstance(error: unknown): error is UnserializableValueError {
    return hasErrorCode(error, "unserializable-value");
  }
}
