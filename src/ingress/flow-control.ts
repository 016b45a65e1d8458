import { InvalidRequestError } from "../errors/invalid-request-error.ts";

/**
 * Where an invocation counts in Restate's flow control: rules bound how many of a scope, and of a limit key in it, run at a
 * time (`limits` of the admin client). Servers need the feature `vqueues`.
 */
export interface FlowControl {
  /** Such as a tenant: 1 to 36 of `A-Z a-z 0-9 _ . -`. It is part of what an invocation is: idempotency keys hold within it. */
  readonly scope: string;
  /** Such as a provider, or a provider and a model with `/` between: each 1 to 36 of the same characters. */
  readonly limitKey?: string | undefined;
}

const SCOPE = /^[\w.-]{1,36}$/;
const LIMIT_KEY = /^[\w.-]{1,36}(?:\/[\w.-]{1,36})?$/;

/** @throws InvalidRequestError (400) for what Restate would not take. */
export function checkFlowControl({ scope, limitKey }: FlowControl): void {
  if (!SCOPE.test(scope)) {
    throw new InvalidRequestError(
      "Cannot invoke a handler in this scope: it must be 1 to 36 letters, digits, dots, - or _; take a hash of other names",
    );
  }
  if (limitKey !== undefined && !LIMIT_KEY.test(limitKey)) {
    throw new InvalidRequestError(
      "Cannot invoke a handler with this limit key: it must be one or two names of 1 to 36 letters, digits, dots, - or _, with / between",
    );
  }
}

/** What Restate says to an invocation in a scope when it has no flow control. */
export function lacksFlowControl(message: string): boolean {
  return message.includes("require vqueues");
}
