/** A setting of this app: Worker vars and secrets and the environment alike. Empty counts as absent. */
export function setting(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === undefined || value === "" ? undefined : value;
}
