/**
 * How deeply JSON is nested. `JSON.parse()` takes any depth, and whatever walks through the result (validation,
 * `JSON.stringify()`, what a handler stores) overflows the stack at some; so it is looked at before.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether a JSON text in UTF-8 has more than `max` levels. Of a text that is no JSON the answer means nothing. */
export function isDeeperThan(max: number, text: Uint8Array): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at];
    if (isInString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isInString = false;
      continue;
    }
    switch (byte) {
      case QUOTE:
        isInString = true;
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        if (depth > max) return true;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      default:
    }
  }
  return false;
}
