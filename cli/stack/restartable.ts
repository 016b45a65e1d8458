import type { Child } from "./child.ts";

/** A child that can be replaced by a new one. To others it is one child, which ends when its process ends by itself. */
export interface Restartable extends Child {
  readonly restart: () => Promise<void>;
  /** Kills its process and starts a new one. */
  readonly crash: () => Promise<void>;
}

/** Starts a child that can be restarted. */
export function startRestartable(start: () => Child): Restartable {
  const controller = new AbortController();
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  let replacing = false;
  let stopped = false;

  const follow = (child: Child): Child => {
    void child.ended.then((how) => {
      if (replacing) return;
      controller.abort(child.endedSignal.reason);
      resolve(how);
    });
    return child;
  };
  let current = follow(start());

  const replace = async (end: (child: Child) => Promise<void>): Promise<void> => {
    if (replacing || stopped) return;
    replacing = true;
    await end(current);
    replacing = false;
    if (!stopped) current = follow(start());
  };
  const restart = (): Promise<void> => replace((child) => child.stop());
  const crash = (): Promise<void> => replace((child) => child.kill());
  const stop = async (): Promise<void> => {
    stopped = true;
    await current.stop();
  };
  const kill = async (): Promise<void> => {
    stopped = true;
    await current.kill();
  };
  return { label: current.label, ended, endedSignal: controller.signal, restart, crash, stop, kill };
}
