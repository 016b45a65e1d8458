import type { ReactElement } from "react";

/** Most characters of a value that are shown. */
const MAX_CHARACTERS = 20_000;
/** And of one that is shown in a line; there is seldom place for so many. */
const MAX_BRIEF = 120;

/** A value, such as a tool's input. */
export function Value({ label, value }: { readonly label: string; readonly value: unknown }): ReactElement {
  const text = shownText(value);
  return (
    <>
      <h3>{label}</h3>
      <pre className="wrap" tabIndex={0} role="group" aria-label={label}>
        {text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}\n…` : text}
      </pre>
    </>
  );
}

/** A value as text: a text as it is, else JSON. */
export function shownText(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value, undefined, 2) ?? "nothing";
}

/** A value in a line: of an object what it holds, so that calls of one tool can be told apart. */
export function briefly(value: unknown): string {
  if (value === undefined || value === null) return "";
  const parts = typeof value === "object" ? Object.values(value) : [value];
  const text = parts.map((part) => (typeof part === "string" ? part : (JSON.stringify(part) ?? ""))).join(", ");
  return text.length > MAX_BRIEF ? `${text.slice(0, MAX_BRIEF)}…` : text;
}
