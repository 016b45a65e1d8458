/**
 * How deeply what a caller sends may be nested. `JSON.parse()` takes any depth, but what a journal or a state stores has a
 * bound (tag.ts), and a handler that cannot store what it was called with fails in every attempt: so it is refused before.
 */

/** Most levels of arrays and objects. Below the bound of what can be stored, as an input is stored inside of something. */
export const MAX_INPUT_LEVELS = 400;

/** Whether a JSON value has more than `max` levels of arrays and objects. Needs no stack. */
export function isNestedDeeper(value: unknown, max: number): boolean {
  let layer: readonly unknown[] = [value];
  for (let levels = 0; ; levels++) {
    const inner = layer.filter((one) => typeof one === "object" && one !== null);
    if (inner.length === 0) return false;
    if (levels >= max) return true;
    layer = inner.flatMap((one): readonly unknown[] => Object.values(one));
  }
}
