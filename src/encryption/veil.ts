/** As Restate is told of an error; the app's own log shows the error itself. */
const veils = new WeakMap<object, Error>();

/** The error behind one whose text was encrypted; every other value as it is. For logs of the app. */
export function unveiled(value: unknown): unknown {
  return (typeof value === "object" && value !== null ? veils.get(value) : undefined) ?? value;
}

/** An object that is the error in all but these properties. */
export function veiled(error: Error, properties: Readonly<Record<string, unknown>>): Error {
  const veil = Object.create(error) as Error;
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(veil, name, { value, configurable: true, writable: true });
  }
  veils.set(veil, error);
  return veil;
}
