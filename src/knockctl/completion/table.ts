import { type Command, type Flag, optionName } from "../command.ts";

/** What Tab offers at one place: words, or something that only the machine knows. */
export type Offer =
  | { readonly kind: "words"; readonly words: readonly Word[] }
  | { readonly kind: "users" | "services" | "files" | "folders" };

/** A word, and what it is for where the shell shows that. */
export interface Word {
  readonly word: string;
  readonly what?: string;
}

/** Placeholders of the catalogue that can be completed; of all others (times, addresses, texts) nothing is known. */
const PLACEHOLDERS: Readonly<Record<string, Offer>> = {
  user: { kind: "users" },
  who: { kind: "users" },
  services: { kind: "services" },
  file: { kind: "files" },
  folder: { kind: "folders" },
  dir: { kind: "folders" },
  shell: { kind: "words", words: [{ word: "bash" }, { word: "zsh" }, { word: "fish" }] },
};

/** Every command's own options, and those that all have. */
const COMMON: readonly Flag[] = [
  { flags: "-c, --config <file>", what: "settings file of another instance" },
  { flags: "-h, --help", what: "options and examples" },
];

/** What Tab knows, for every shell alike. */
export interface Table {
  /**
   * By place: `""` the first word, `user` the word after it, `user add -` an option, `user add --proof` an option's value,
   * `user set 1` the first argument.
   */
  readonly offers: ReadonlyMap<string, Offer>;
  /** First words that want a second. */
  readonly groups: readonly string[];
  /** Options of a command that are followed by a value: `user add --ttl`, `list -w`. */
  readonly taking: readonly string[];
  /** The same of every command, and before one: `--config`, `-c`. */
  readonly takingAnywhere: readonly string[];
}

const wordsOf = (commands: readonly Command[], first: string): Word[] =>
  commands
    .filter(({ name }) => name.startsWith(`${first} `))
    .map(({ name, summary }) => ({ word: name.slice(first.length + 1), what: summary }));

function firstWords(commands: readonly Command[], groups: readonly string[]): Word[] {
  const alone = commands.filter(({ name }) => !name.includes(" "));
  return [
    ...alone.map(({ name, summary }) => ({ word: name, what: summary })),
    ...groups.map((word) => ({ word })),
    { word: "help", what: "show all commands" },
  ];
}

function offersOf({ name, args = [], flags = [] }: Command): [place: string, offer: Offer][] {
  const all = [...flags, ...COMMON];
  const values = all.flatMap(({ flags: text, choices }): [string, Offer][] => {
    const { short, long, value, optional } = optionName(text);
    const offer = choices?.map((word) => ({ word }));
    const known = offer ? { kind: "words" as const, words: offer } : PLACEHOLDERS[value ?? ""];
    if (known === undefined || optional) return [];
    return [long, short].flatMap((option) => (option ? [[`${name} ${option}`, known]] : []));
  });
  const given = args.flatMap((arg, i): [string, Offer][] => {
    const known = PLACEHOLDERS[arg.slice(1, -1)];
    return known ? [[`${name} ${i + 1}`, known]] : [];
  });
  const options = all.map(({ flags: text, what }) => ({ word: optionName(text).long, what }));
  return [[`${name} -`, { kind: "words", words: options }], ...values, ...given];
}

/** @returns the options that want a value, with both hyphens or one. */
const followedByValue = (flags: readonly Flag[]): string[] =>
  flags
    .map((flag) => optionName(flag.flags))
    .filter(({ value, optional }) => value !== undefined && !optional)
    .flatMap(({ short, long }) => [long, ...(short ? [short] : [])]);

/** @returns what Tab offers, from the catalogue. */
export function completionTable(commands: readonly Command[]): Table {
  const groups = [
    ...new Set(commands.flatMap(({ name }) => (name.includes(" ") ? [name.split(" ")[0] ?? ""] : []))),
  ];
  const taking = commands.flatMap(({ name, flags = [] }) =>
    followedByValue(flags).map((option) => `${name} ${option}`),
  );
  const offers = new Map<string, Offer>([
    ["", { kind: "words", words: firstWords(commands, groups) }],
    ...groups.map((group) => [group, { kind: "words", words: wordsOf(commands, group) }] as const),
    ...commands.flatMap(offersOf),
  ]);
  return { offers, groups, taking, takingAnywhere: followedByValue(COMMON) };
}
