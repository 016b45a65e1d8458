/** Commands of the tool in text, as people copy them: what they would be told on a command line. */
import type { Command } from "commander";
import { createProgram } from "../../../cli/program.ts";

/** One command, as words of a shell. */
export interface DocumentedCommand {
  /** As it is written, on one line. */
  readonly text: string;
  /** `deploy`, and what follows. */
  readonly words: readonly string[];
}

/** How the tool is called. The name of the command follows, but for `npm run deploy`. */
const CALLS = /(?:npx |^|\s)restate-edge-agents |npm run (?:--silent )?tool -- |npm run (?:--silent )?(?=deploy\b)/;
const NPM_DEPLOY = /^deploy(?: --(?= |$))?/;

/** Those in a shell script: continued lines are one, and a pipe, a redirection or a comment ends a command. */
export function commandsInShell(script: string): readonly DocumentedCommand[] {
  return script
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n")
    .flatMap((line) => {
      const call = CALLS.exec(line);
      if (call === null) return [];
      const text = line.slice(call.index + call[0].length).trim();
      const isNpm = call[0].includes("npm run");
      return [{ text: line.trim(), words: wordsOf(isNpm ? text.replace(NPM_DEPLOY, "deploy") : text) }];
    });
}

/** Those in a document: its shell blocks, and commands in code within a sentence that name a flag or begin with the tool. */
export function commandsInMarkdown(markdown: string): readonly DocumentedCommand[] {
  const blocks = [...markdown.matchAll(/^```(?:sh|bash|console)\n(.*?)^```/gms)].map(([, script = ""]) => script);
  const prose = markdown.replaceAll(/^```.*?^```/gms, "");
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
  const names = createProgram().commands.map((command) => command.name());
  const short = new RegExp(`^(?:${names.join("|")}) .*--`);
  return [
    ...commandsInShell(blocks.join("\n")),
    ...spans.flatMap((code) => (short.test(code) ? [{ text: code, words: wordsOf(code) }] : commandsInShell(code))),
  ];
}

/** Why the tool would not take it; undefined when it would. */
export function complaintAbout({ words }: DocumentedCommand): string | undefined {
  const [name = "", ...args] = words;
  const command = createProgram().commands.find((one) => one.name() === name);
  if (command === undefined) return `there is no command "${name}"`;
  return parse(command, args);
}

function parse(command: Command, args: readonly string[]): string | undefined {
  try {
    command.exitOverride().configureOutput({ writeErr: () => undefined });
    const { operands, unknown } = command.parseOptions([...args]);
    if (unknown.length > 0) return `${command.name()} does not know ${unknown.join(" ")}`;
    const { registeredArguments } = command;
    if (operands.length > registeredArguments.length) return `${command.name()} takes no ${operands.join(" ")}`;
    const needed = registeredArguments.filter(({ required }) => required).length;
    return operands.length < needed ? `${command.name()} needs ${needed} arguments` : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Words of a simple command, quotes removed; values of variables are not known, and stand as they are. */
function wordsOf(line: string): readonly string[] {
  const [command = ""] = line.split(/\s+(?:#|\||>|&&|;)/, 1);
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => {
    return double ?? single ?? bare ?? "";
  });
}
