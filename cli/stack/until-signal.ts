/**
 * Aborted when the process is asked to end. Signals end the process no more: a second Ctrl-C does not cut short what ends
 * the children, each of which has its own bound.
 */
export function untilSignal(): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort(new Error("Asked to end"));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, abort);
  // npm does not pass every signal on: it may end, with its shell, and leave us behind.
  if (process.env["npm_lifecycle_event"] !== undefined) {
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent) abort();
    }, 500).unref();
  }
  return controller.signal;
}
