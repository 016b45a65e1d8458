/** What models write, read as Markdown into plain data: nothing of it becomes HTML, and nothing is loaded. */
import { lexer, type MarkedToken, type Token } from "marked";

/** Longer texts are shown as they are: looking for pairs of marks would take too long. */
const MAX_CHARACTERS = 50_000;

/** The blocks of a text. What cannot be read is one block of plain text. */
export function blocksOf(text: string): readonly MarkedToken[] {
  const asItIs: MarkedToken = { type: "text", raw: text, text };
  if (text.length > MAX_CHARACTERS) return [asItIs];
  try {
    return known(lexer(text, { gfm: true, breaks: true })).filter(({ type }) => type !== "space");
  } catch {
    // Thousands of quotes or lists inside each other.
    return [asItIs];
  }
}

/** The tokens inside one; none where it is a text by itself. */
export function insideOf(token: MarkedToken | { readonly tokens: readonly Token[] }): readonly MarkedToken[] {
  return "tokens" in token && token.tokens !== undefined ? known(token.tokens) : [];
}

/** Other kinds of tokens come from extensions, and there are none. */
function known(tokens: readonly Token[]): readonly MarkedToken[] {
  return tokens as readonly MarkedToken[];
}

/** Whether a link or an image may be opened: over HTTP alone. */
export function opens({ href }: { readonly href: string }): boolean {
  return /^https?:\/\//i.test(href);
}

/** The text alone, for those who hear it. */
export function plainTextOf(text: string): string {
  return blocksOf(text).map(plain).join("\n");
}

function plain(token: MarkedToken): string {
  switch (token.type) {
    case "code":
    case "codespan":
    case "escape":
      return token.text;
    case "list":
      return token.items.map(plain).join("\n");
    case "blockquote":
    case "list_item":
      return insideOf(token).map(plain).join("\n");
    case "table":
      return [token.header, ...token.rows].map((row) => row.map(plainCell).join(", ")).join("\n");
    case "link":
    case "image":
      return opens(token) ? token.text : token.raw;
    default: {
      const inside = insideOf(token);
      return inside.length > 0 ? inside.map(plain).join("") : token.raw;
    }
  }
}

function plainCell(cell: { readonly tokens: readonly Token[] }): string {
  return insideOf(cell).map(plain).join("");
}
