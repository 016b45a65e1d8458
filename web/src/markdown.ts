/**
 * What models write: the part of Markdown that they use in answers. It is read into plain data; nothing of it is HTML, and
 * nothing is loaded. What is not understood, or still open while it streams, stays as it was written.
 */

/** A block of text. */
export type Block =
  | { readonly type: "code" | "heading" | "paragraph" | "quote"; readonly text: string }
  | { readonly type: "list"; readonly start: number | undefined; readonly items: readonly ListItem[] }
  /** The first row is the head. */
  | { readonly type: "table"; readonly rows: readonly (readonly string[])[] };

/** One point of a list. */
export interface ListItem {
  readonly text: string;
  /** How deep it is, 0 for the outermost. */
  readonly depth: number;
}

/** A piece of a line. */
export type Inline =
  | { readonly type: "text" | "code"; readonly text: string }
  | { readonly type: "strong" | "em"; readonly children: readonly Inline[] }
  | { readonly type: "link"; readonly url: string; readonly text: string };

const FENCE = /^```[^\n`]*\n([\s\S]*?)(?:^```[ \t]*$|(?![\s\S]))/gm;
const HEADING = /^#{1,6} +(.*?)(?: +#+)?$/;
const QUOTE = /^> ?(.*)$/;
const ITEM = /^( *)(?:[-*+]|(\d{1,9})[.)]) +(.*)$/;
const ROW = /^\|(.*)\|\s*$/;
/** The line below a table's head. */
const RULE = /^\|[ :|-]*-[ :|-]*\|\s*$/;
const MARKS =
  /(?<tick>`+)(?<code>.+?)\k<tick>(?!`)|\*\*(?=\S)(?<strong>.+?)(?<=\S)\*\*|(?<![\w*])(?<mark>[*_])(?=[^\s*_])(?<em>.+?)(?<=[^\s*_])\k<mark>(?![\w*])|\[(?<label>[^\]\n]+)\]\((?<url>https?:\/\/[^\s)]+)\)|https?:\/\/[^\s<>()"'`]*[^\s<>()"'`.,;:!?*_]/g;
/** Of what is longer the marks are shown as they are: looking for pairs of them would take too long. */
const MAX_LINE = 5_000;

/** The blocks of a text. A fence that is still open holds code, too. */
export function blocksOf(text: string): readonly Block[] {
  const blocks: Block[] = [];
  let from = 0;
  for (const found of text.matchAll(FENCE)) {
    blocks.push(...proseOf(text.slice(from, found.index)).map(asTable));
    blocks.push({ type: "code", text: (found[1] ?? "").replace(/\n$/, "") });
    from = found.index + found[0].length;
  }
  return [...blocks, ...proseOf(text.slice(from)).map(asTable)];
}

/** Blocks of a text without code: a line is of the block before it when it is of its kind. */
function proseOf(text: string): readonly Block[] {
  const blocks: Block[] = [];
  let isNew = true;
  for (const line of text.split("\n")) {
    if (line.trim() === "") {
      isNew = true;
      continue;
    }
    const block = blockOf(line);
    const last = isNew && block.type !== "list" ? undefined : blocks.at(-1);
    const joined = last === undefined ? undefined : join(last, block, line);
    if (joined === undefined) blocks.push(block);
    else blocks[blocks.length - 1] = joined;
    isNew = false;
  }
  return blocks;
}

/** A table, if the lines of a paragraph are one. */
function asTable(block: Block): Block {
  if (block.type !== "paragraph") return block;
  const [head = "", rule = "", ...lines] = block.text.split("\n");
  const rows = [head, ...lines].map((line) =>
    ROW.exec(line)?.[1]
      ?.split("|")
      .map((cell) => cell.trim()),
  );
  const found = rows.filter((row) => row !== undefined);
  return RULE.test(rule) && found.length === rows.length ? { type: "table", rows: found } : block;
}

function blockOf(line: string): Block {
  const heading = HEADING.exec(line)?.[1];
  if (heading !== undefined) return { type: "heading", text: heading };
  const quote = QUOTE.exec(line)?.[1];
  if (quote !== undefined) return { type: "quote", text: quote };
  const [, indent = "", number, item] = ITEM.exec(line) ?? [];
  if (item === undefined) return { type: "paragraph", text: line };
  const start = number === undefined ? undefined : Number(number);
  return { type: "list", start, items: [{ text: item, depth: Math.min(Math.floor(indent.length / 2), 4) }] };
}

/** Two blocks as one; undefined when they are two. */
function join(last: Block, block: Block, line: string): Block | undefined {
  if (last.type === "list") {
    if (block.type === "list") return joinLists(last, block);
    const end = last.items.at(-1);
    // A line that is set in belongs to the point before it.
    if (end === undefined || !line.startsWith("  ")) return undefined;
    return { ...last, items: [...last.items.slice(0, -1), { ...end, text: `${end.text}\n${line.trim()}` }] };
  }
  if (last.type === "table" || last.type !== block.type || last.type === "heading") return undefined;
  return { type: last.type, text: `${last.text}\n${block.text}` };
}

function joinLists(last: Block & { type: "list" }, block: Block & { type: "list" }): Block | undefined {
  const isInner = block.items.some(({ depth }) => depth > 0);
  const isSameKind = (last.start === undefined) === (block.start === undefined);
  return isInner || isSameKind ? { ...last, items: [...last.items, ...block.items] } : undefined;
}

/** The pieces of a block's text. */
export function inlineOf(text: string): readonly Inline[] {
  if (text.length > MAX_LINE) return [{ type: "text", text }];
  const pieces: Inline[] = [];
  let from = 0;
  for (const found of text.matchAll(MARKS)) {
    if (found.index > from) pieces.push({ type: "text", text: text.slice(from, found.index) });
    pieces.push(pieceOf(found[0], found.groups ?? {}));
    from = found.index + found[0].length;
  }
  if (from < text.length) pieces.push({ type: "text", text: text.slice(from) });
  return pieces;
}

function pieceOf(whole: string, { code, strong, em, label, url }: Readonly<Record<string, string>>): Inline {
  if (code !== undefined) return { type: "code", text: code };
  if (strong !== undefined) return { type: "strong", children: inlineOf(strong) };
  if (em !== undefined) return { type: "em", children: inlineOf(em) };
  return { type: "link", url: url ?? whole, text: label ?? whole };
}

/** The text alone, for those who hear it. */
export function plainTextOf(text: string): string {
  return blocksOf(text).map(plainBlock).join("\n");
}

function plainBlock(block: Block): string {
  if (block.type === "code") return block.text;
  if (block.type === "table") return block.rows.map((row) => row.map(plainInline).join(", ")).join("\n");
  const texts = block.type === "list" ? block.items.map((item) => item.text) : [block.text];
  return texts.map(plainInline).join("\n");
}

function plainInline(text: string): string {
  return inlineOf(text).map(plainPiece).join("");
}

function plainPiece(piece: Inline): string {
  return "text" in piece ? piece.text : piece.children.map(plainPiece).join("");
}
