import type { Command } from "./command.ts";

/** The words that may follow each beginning of a command line: `"" -> user list ...`, `"user" -> add ...`. */
function tree(commands: readonly Command[]): Map<string, string[]> {
  const words = new Map<string, string[]>([["", ["help"]]]);
  const put = (path: string, word: string): void => {
    const known = words.get(path) ?? [];
    words.set(path, known.includes(word) ? known : [...known, word]);
  };
  for (const command of commands) {
    const [first = "", second] = command.name.split(" ");
    put("", first);
    if (second !== undefined) put(first, second);
    for (const option of optionsOf(command)) put(command.name, option);
  }
  return words;
}

const optionsOf = ({ flags = [] }: Command): string[] => [
  ...flags.map((flag) => /--[a-z-]+/.exec(flag.flags)?.[0] ?? ""),
  "--config",
  "--help",
];

/** One look-up by the words typed so far, in POSIX shell, for bash and zsh alike. */
function cases(commands: readonly Command[], answer: (words: string) => string): string {
  return [...tree(commands)]
    .map(([path, words]) => `    "${path}") ${answer(words.join(" "))} ;;`)
    .join("\n");
}

function bash(commands: readonly Command[]): string {
  return `# knockctl tab completion for bash; made by: knockctl completion bash
_knockctl() {
  local word path="" current="\${COMP_WORDS[COMP_CWORD]}" words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) case "$path" in *" "*) ;; *) path="\${path:+$path }$word" ;; esac ;; esac
  done
  case "$path" in
${cases(commands, (words) => `words="${words}"`)}
    *) case "\${path%% *}" in
${[...tree(commands)]
  .filter(([path]) => path !== "" && !path.includes(" "))
  .map(([path, words]) => `      ${path}) words="${words.join(" ")}" ;;`)
  .join("\n")}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _knockctl knockctl`;
}

/** zsh runs the bash function through its own emulation. */
function zsh(commands: readonly Command[]): string {
  return `#compdef knockctl
autoload -U +X bashcompinit && bashcompinit
${bash(commands)}`;
}

function fish(commands: readonly Command[]): string {
  const quote = (text: string): string => `'${text.replace(/'/g, "\\'")}'`;
  const groups = new Set(
    commands.filter(({ name }) => name.includes(" ")).map(({ name }) => name.split(" ")[0] ?? ""),
  );
  const firsts = [...groups].map((name) => `complete -c knockctl -n __fish_use_subcommand -a ${name}`);
  const lines = commands.flatMap((command) => {
    const [first = "", second] = command.name.split(" ");
    const seen = `__fish_seen_subcommand_from ${first}`;
    const place = second === undefined ? "__fish_use_subcommand" : quote(seen);
    const here =
      second === undefined ? quote(seen) : quote(`${seen}; and __fish_seen_subcommand_from ${second}`);
    return [
      `complete -c knockctl -n ${place} -a ${second ?? first} -d ${quote(command.summary)}`,
      ...optionsOf(command).map((option) => `complete -c knockctl -n ${here} -l ${option.slice(2)}`),
    ];
  });
  return [
    "# knockctl tab completion for fish; made by: knockctl completion fish",
    "complete -c knockctl -f",
    ...firsts,
    ...lines,
  ].join("\n");
}

/** The shells there is a completion for. */
export const SHELLS: Readonly<Record<string, (commands: readonly Command[]) => string>> = { bash, zsh, fish };
