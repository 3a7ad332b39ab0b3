import { CommanderError, Option, Command as Parser } from "commander";
import type { Call, Command, Flag, Topic } from "./command.ts";
import { overview } from "./overview.ts";

/** What a command line means. */
export type Meaning =
  | {
      readonly kind: "run";
      readonly command: Command;
      readonly call: Call;
      readonly config: string | undefined;
    }
  /** Help or version: to be printed. */
  | { readonly kind: "answer"; readonly text: string }
  /** Not understood; `what` is one line, perhaps with a guess of what was meant. */
  | { readonly kind: "misused"; readonly what: string; readonly cure: string };

/** All that a command line is read by. */
export interface Grammar {
  readonly topics: readonly Topic[];
  /** What a group is about, by its first word. */
  readonly groups: Readonly<Record<string, string>>;
  readonly version: string;
  /** The terminal's, in columns; undefined: there is none. */
  readonly width?: number | undefined;
}

/** Wider lines than this are hard to read. Columns. */
const WIDEST_HELP = 100;

const helpWidth = ({ width = WIDEST_HELP }: Grammar): number => Math.min(width, WIDEST_HELP);

function optionOf({ flags, what, choices }: Flag): Option {
  const option = new Option(flags, what);
  return choices === undefined ? option : option.choices([...choices]);
}

const examplesOf = ({ examples }: Command): string =>
  `\nExamples:\n${examples.map((line) => `  knockctl ${line}`).join("\n")}`;

/** One reading of one command line: what commander prints is caught, what it chose is noted. */
class Reading {
  printed = "";
  complaint = "";
  /** The parser that spoke last: its help is where a misuse is sent. */
  where = "knockctl";
  chosen: { command: Command; call: Call } | undefined;

  constructor(private readonly grammar: Grammar) {}

  /** The parser of the commands whose first word is in `wanted`; all when it names none of them. */
  program(first: string | undefined): Parser {
    const program = this.quiet(new Parser("knockctl"));
    program
      .version(this.grammar.version)
      .option("-c, --config <file>", "settings file of another instance")
      .configureHelp({ showGlobalOptions: true });
    program.helpInformation = () => `${overview(this.grammar.topics, helpWidth(this.grammar))}\n`;
    const all = this.grammar.topics.flatMap(({ commands }) => commands);
    // building one group takes a tenth of the time of building all, and `list` must start fast
    const meant = all.filter(({ name }) => name.split(" ")[0] === first);
    for (const command of meant.length > 0 ? meant : all) this.add(program, command);
    return program;
  }

  private add(program: Parser, command: Command): void {
    const [first = "", second] = command.name.split(" ");
    const parent = second === undefined ? program : this.group(program, first);
    const parser = this.quiet(parent.command(second ?? first)).description(command.summary);
    for (const arg of command.args ?? []) parser.argument(arg);
    for (const flag of command.flags ?? []) parser.addOption(optionOf(flag));
    parser.addHelpText("after", examplesOf(command));
    parser.action(() => {
      this.chosen = { command, call: { args: parser.processedArgs, options: parser.opts() } };
    });
  }

  private group(program: Parser, name: string): Parser {
    const known = program.commands.find((one) => one.name() === name);
    return known ?? this.quiet(program.command(name)).description(this.grammar.groups[name] ?? "");
  }

  /** Errors are thrown and texts are caught, instead of ending the process and printing. */
  private quiet(parser: Parser): Parser {
    const width = helpWidth(this.grammar);
    return parser.exitOverride().configureOutput({
      writeOut: (text) => {
        this.printed += text;
      },
      writeErr: (text) => {
        this.printed += text;
      },
      outputError: (text) => {
        this.complaint += text;
        this.where = pathOf(parser);
      },
      getOutHelpWidth: () => width,
      getErrHelpWidth: () => width,
    });
  }
}

function pathOf(parser: Parser): string {
  return parser.parent === null ? parser.name() : `${pathOf(parser.parent)} ${parser.name()}`;
}

/** @returns commander's complaint in one line, without its own `error:`. */
const oneLine = (text: string): string =>
  text
    .replace(/^error: /, "")
    .trim()
    .replace(/\n+/g, " ");

/** True for a word that is no option and no --config's value. */
const isWord = (word: string, i: number, argv: readonly string[]): boolean =>
  !word.startsWith("-") && !["-c", "--config"].includes(argv[i - 1] ?? "");

/** The words that say which command is meant, and what follows. */
const words = (argv: readonly string[]): string[] => argv.filter(isWord);

const isHelp = (word: string): boolean => word === "--help" || word === "-h";

/** Whether a command or a group begins with these words; further ones are a command's own. */
function isKnown([first, second]: readonly string[], { topics }: Grammar): boolean {
  const names = topics.flatMap(({ commands }) => commands.map(({ name }) => name.split(" ")));
  const of = names.filter(([word]) => first === undefined || word === first);
  return of.some(
    ([, word]) => first === undefined || second === undefined || word === undefined || word === second,
  );
}

/**
 * Reads a command line; does nothing.
 * @param argv what follows the program's name
 */
export function interpret(argv: readonly string[], grammar: Grammar): Meaning {
  // commander's own `help` command knows one word only
  if (words(argv)[0] === "help") {
    const rest = argv.toSpliced(argv.findIndex(isWord), 1);
    return interpret(words(rest).length === 0 ? [] : [...rest, "--help"], grammar);
  }
  // asked for help, commander prints what it has, and does not see that there is no such command
  if (argv.some(isHelp) && !isKnown(words(argv), grammar))
    return interpret(
      argv.filter((word) => !isHelp(word)),
      grammar,
    );
  const reading = new Reading(grammar);
  const program = reading.program(words(argv)[0]);
  if (argv.length === 0) return { kind: "answer", text: overview(grammar.topics, helpWidth(grammar)) };
  try {
    program.parse([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "answer", text: reading.printed.trimEnd() };
    // a group without its second word prints its help as an error
    const what = oneLine(reading.complaint) || `${argv.join(" ")}: which one?`;
    const where = reading.complaint === "" ? `knockctl ${argv[0]}` : reading.where;
    return { kind: "misused", what, cure: `see: ${where} --help` };
  }
  if (reading.chosen === undefined)
    return { kind: "answer", text: overview(grammar.topics, helpWidth(grammar)) };
  return { kind: "run", ...reading.chosen, config: program.opts().config };
}
