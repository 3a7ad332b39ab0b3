import type { Topic } from "./command.ts";

const usage = ({ name, args = [] }: Topic["commands"][number]): string => [name, ...args].join(" ");

/** Words in lines of a width; a longer word has a line of its own. */
function folded(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** The first screen: every command by topic, and where to begin. @param columns the terminal's */
export function overview(topics: readonly Topic[], columns: number): string {
  const width = Math.max(...topics.flatMap(({ commands }) => commands.map((one) => usage(one).length)));
  const sections = topics.map(({ title, commands }) => {
    const lines = commands.map((one) => {
      const summary = folded(one.summary, columns - width - 4).join(`\n${" ".repeat(width + 4)}`);
      return `  ${usage(one).padEnd(width)}  ${summary}`;
    });
    return [title, ...lines].join("\n");
  });
  return [
    "knockctl: who may come in, and for how long",
    ...sections,
    [
      "Begin with `knockctl init`; `knockctl COMMAND --help` shows options and examples.",
      "--config FILE (or KNOCKLINE_CONFIG) names another instance than /etc/knockline/knockline.toml.",
    ].join("\n"),
  ].join("\n\n");
}
