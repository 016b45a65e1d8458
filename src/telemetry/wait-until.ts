interface ExecutionContextLike {
  waitUntil(work: Promise<unknown>): void;
}

/** Keeps work going when the request has ended. On Workers one of the arguments is the request's execution context. */
export function waitUntilOf(extraArgs: readonly unknown[]): ((work: Promise<unknown>) => void) | undefined {
  const context = extraArgs.find(
    (argument): argument is ExecutionContextLike =>
      typeof argument === "object" &&
      argument !== null &&
      typeof (argument as Partial<ExecutionContextLike>).waitUntil === "function",
  );
  return context === undefined ? undefined : (work) => context.waitUntil(work);
}
