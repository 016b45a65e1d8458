import type { ReactElement } from "react";

/** Plain text, with the blocks of code in it set apart. What a model writes is shown, never run. */
export function Text({
  text,
  streaming = false,
}: {
  readonly text: string;
  readonly streaming?: boolean;
}): ReactElement {
  const pieces = piecesOf(text);
  return (
    <div className="text">
      {pieces.map(({ code, text: piece, at }, index) => {
        const className = streaming && index === pieces.length - 1 ? "caret" : undefined;
        return code ? (
          <pre key={at} tabIndex={0} role="group" aria-label="Code">
            <code className={className}>{piece}</code>
          </pre>
        ) : (
          <p key={at} className={className}>
            {piece}
          </p>
        );
      })}
    </div>
  );
}

interface Piece {
  readonly code: boolean;
  readonly text: string;
  readonly at: number;
}

/** A fence that is still open, while it streams, holds code, too. */
function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const found of text.matchAll(/^```[^\n`]*\n([\s\S]*?)(?:^```[ \t]*$|(?![\s\S]))/gm)) {
    pieces.push({ code: false, text: text.slice(from, found.index).trim(), at: from });
    pieces.push({ code: true, text: (found[1] ?? "").replace(/\n$/, ""), at: found.index });
    from = found.index + found[0].length;
  }
  const rest = text.slice(from);
  pieces.push({ code: false, text: from === 0 ? rest : rest.trim(), at: from });
  return pieces.filter((piece) => piece.code || piece.text !== "");
}
