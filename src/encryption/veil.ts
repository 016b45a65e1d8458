/** Errors that say less than they did, and stay what they are: of their class, with their other facts. */

/** What an error says instead. */
export interface Veil {
  readonly message: string;
  readonly stack: string;
  readonly cause: undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** As Restate is told of an error; the app's own log shows the error itself. */
const veils = new WeakMap<object, Error>();

/** The error behind one whose text was encrypted; every other value as it is. For logs of the app. */
export function unveiled(value: unknown): unknown {
  return (typeof value === "object" && value !== null ? veils.get(value) : undefined) ?? value;
}

/** An object that is the error in all but what the veil says. */
export function veilOf(error: Error, properties: Veil): Error {
  const veil = Object.create(error) as Error;
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(veil, name, { value, configurable: true, writable: true });
  }
  return veil;
}

/** As `veilOf()`, for logs to see through. */
export function veiled(error: Error, properties: Veil): Error {
  const veil = veilOf(error, properties);
  veils.set(veil, error);
  return veil;
}
