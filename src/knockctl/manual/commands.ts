import { TOPICS } from "../catalogue/all.ts";
import { type Command, optionName, type Topic } from "../command.ts";
import { argument, optionMacros, sentences, tagged, typed } from "./mdoc.ts";

function argumentMacros(arg: string): string {
  const name = argument(arg.slice(1, -1));
  return arg.startsWith("[") ? `Op Ar ${name}` : `Ar ${name}`;
}

function entry({ name, args = [], summary, flags = [], examples }: Command): [heading: string, body: string] {
  const options = flags.map(({ flags: text, what, choices }): [string, string] => {
    const values = choices === undefined || choices.length < 2 ? "" : `\nOne of ${choices.join(", ")}.`;
    return [optionMacros(optionName(text)), `${sentences(what)}${values}`];
  });
  const body = [
    sentences(summary),
    ...(options.length === 0 ? [] : [tagged(options)]),
    ".Pp",
    typed(examples.map((line) => `knockctl ${line}`)),
  ];
  return [["Ic", ...name.split(" "), ...args.map(argumentMacros)].join(" "), body.join("\n")];
}

const section = ({ title, commands }: Topic): string => `.Ss ${title}\n${tagged(commands.map(entry))}`;

/** @returns every command with its options and examples, by topic. */
export const commandSections = (): string => TOPICS.map(section).join("\n");
