import type { MarkedToken, Tokens } from "marked";
import type { ReactElement, ReactNode } from "react";
import { blocksOf, insideOf, opens } from "./markdown.ts";

/** What a model writes. It is shown, never run, and nothing that it names is loaded. */
export function Text({
  text,
  streaming = false,
}: {
  readonly text: string;
  readonly streaming?: boolean;
}): ReactElement {
  return <div className={streaming ? "text streaming" : "text"}>{all(blocksOf(text), true)}</div>;
}

/** Tokens in their order. Those of a block stand in lines of their own. */
function all(tokens: readonly MarkedToken[], blocks = false): ReactNode {
  return tokens.map((token, place) => shown(token, `${place} ${token.type}`, blocks));
}

function shown(token: MarkedToken, key: string, isBlock: boolean): ReactNode {
  const inside = (): ReactNode => all(insideOf(token));
  switch (token.type) {
    case "heading":
      return <h3 key={key}>{inside()}</h3>;
    case "paragraph":
      return <p key={key}>{inside()}</p>;
    case "blockquote":
      return <blockquote key={key}>{all(insideOf(token), true)}</blockquote>;
    case "code":
      return (
        <pre key={key} tabIndex={0} role="group" aria-label="Code">
          <code>{token.text}</code>
        </pre>
      );
    case "list":
      return <List key={key} list={token} />;
    case "table":
      return <Table key={key} table={token} />;
    case "hr":
      return <hr key={key} />;
    case "br":
      return <br key={key} />;
    case "space":
      return null;
    case "strong":
      return <strong key={key}>{inside()}</strong>;
    case "em":
      return <em key={key}>{inside()}</em>;
    case "del":
      return <del key={key}>{inside()}</del>;
    case "codespan":
      return <code key={key}>{token.text}</code>;
    case "escape":
      return token.text;
    case "link":
    case "image":
      return opens(token) ? <Link key={key} link={token} /> : token.raw;
    case "checkbox":
      return token.checked ? "☑ " : "☐ ";
    default: {
      const content = insideOf(token).length > 0 ? inside() : token.raw;
      return isBlock ? <p key={key}>{content}</p> : content;
    }
  }
}

function Link({ link }: { readonly link: Tokens.Link | Tokens.Image }): ReactElement {
  const { href, text } = link;
  return (
    <a href={href} title={href} target="_blank" rel="noreferrer">
      {link.type === "link" ? all(insideOf(link)) : text}
    </a>
  );
}

function List({ list }: { readonly list: Tokens.List }): ReactElement {
  const points = list.items.map((item, place) => <li key={`${place}`}>{all(insideOf(item))}</li>);
  return list.ordered ? <ol start={Number(list.start)}>{points}</ol> : <ul>{points}</ul>;
}

function Table({ table }: { readonly table: Tokens.Table }): ReactElement {
  return (
    <table tabIndex={0}>
      <thead>
        <tr>
          {table.header.map((cell, place) => (
            <th key={`${place}`}>{all(insideOf(cell))}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {table.rows.map((row, at) => (
          <tr key={`${at}`}>
            {row.map((cell, place) => (
              <td key={`${place}`}>{all(insideOf(cell))}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
