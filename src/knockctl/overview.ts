import type { Topic } from "./command.ts";

const usage = ({ name, args = [] }: Topic["commands"][number]): string => [name, ...args].join(" ");

/** The first screen: every command by topic, and where to begin. */
export function overview(topics: readonly Topic[]): string {
  const width = Math.max(...topics.flatMap(({ commands }) => commands.map((one) => usage(one).length)));
  const sections = topics.map(({ title, commands }) => {
    const lines = commands.map((one) => `  ${usage(one).padEnd(width)}  ${one.summary}`);
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
