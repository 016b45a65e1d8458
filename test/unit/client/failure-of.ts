import { AgentClientError } from "../../../src/client/index.ts";

/** What a call fails with. */
export async function failureOf(call: Promise<unknown> | undefined): Promise<AgentClientError> {
  const error: unknown = await Promise.resolve(call).then(
    (value) => new Error(`It did not fail: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (AgentClientError.isInstance(error)) return error;
  throw error;
}
