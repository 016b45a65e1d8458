import type { ReactElement, ReactNode } from "react";
import { type Block, blocksOf, type Inline, inlineOf } from "./markdown.ts";

/** What a model writes. It is shown, never run, and nothing that it names is loaded. */
export function Text({
  text,
  streaming = false,
}: {
  readonly text: string;
  readonly streaming?: boolean;
}): ReactElement {
  const blocks = blocksOf(text);
  return (
    <div className="text">
      {blocks.map((block, place) => (
        <Piece key={`${place} ${block.type}`} block={block} caret={streaming && place === blocks.length - 1} />
      ))}
    </div>
  );
}

function Piece({ block, caret }: { readonly block: Block; readonly caret: boolean }): ReactElement {
  const className = caret ? "caret" : undefined;
  switch (block.type) {
    case "code":
      return (
        <pre tabIndex={0} role="group" aria-label="Code">
          <code className={className}>{block.text}</code>
        </pre>
      );
    case "heading":
      return <h3 className={className}>{shown(block.text)}</h3>;
    case "quote":
      return <blockquote className={className}>{shown(block.text)}</blockquote>;
    case "list":
      return <List block={block} caret={caret} />;
    case "table":
      return <Table rows={block.rows} />;
    case "paragraph":
      return <p className={className}>{shown(block.text)}</p>;
  }
}

function List({ block, caret }: { readonly block: Block & { type: "list" }; readonly caret: boolean }): ReactElement {
  const { start, items } = block;
  let number = (start ?? 1) - 1;
  const points = items.map(({ text, depth }, place) => {
    if (depth === 0) number += 1;
    const style = depth === 0 ? undefined : { marginInlineStart: `${depth * 1.25}rem`, listStyleType: "circle" };
    const isLast = place === items.length - 1;
    return (
      <li
        key={`${place}`}
        style={style}
        value={start === undefined ? undefined : number}
        className={caret && isLast ? "caret" : undefined}
      >
        {shown(text)}
      </li>
    );
  });
  return start === undefined ? <ul>{points}</ul> : <ol>{points}</ol>;
}

function Table({ rows: [head = [], ...rows] }: { readonly rows: readonly (readonly string[])[] }): ReactElement {
  return (
    <table tabIndex={0}>
      <thead>
        <tr>
          {head.map((cell, place) => (
            <th key={`${place}`}>{shown(cell)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, at) => (
          <tr key={`${at}`}>
            {row.map((cell, place) => (
              <td key={`${place}`}>{shown(cell)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function shown(text: string): ReactNode {
  return inlineOf(text).map((piece, place) => shownPiece(piece, `${place}`));
}

function shownPiece(piece: Inline, key: string): ReactNode {
  switch (piece.type) {
    case "text":
      return piece.text;
    case "code":
      return <code key={key}>{piece.text}</code>;
    case "strong":
      return <strong key={key}>{piece.children.map((child, place) => shownPiece(child, `${place}`))}</strong>;
    case "em":
      return <em key={key}>{piece.children.map((child, place) => shownPiece(child, `${place}`))}</em>;
    case "link":
      return (
        <a key={key} href={piece.url} title={piece.url} target="_blank" rel="noreferrer">
          {piece.text}
        </a>
      );
  }
}
