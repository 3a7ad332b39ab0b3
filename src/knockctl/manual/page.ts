import { DENIALS } from "../../shared/access/denial.ts";
import { DAEMON_EXIT, DAEMON_EXIT_MEANS, type Daemon, KNOCKD, PHONE_AUTH } from "../../shared/host/daemon.ts";
import { EXIT, EXIT_MEANS } from "../failure.ts";
import { commandSections } from "./commands.ts";
import { optionMacros, prose, sentences, tagged } from "./mdoc.ts";
import { settingSections } from "./settings.ts";

const daemonOptions = ({ options }: Daemon): string =>
  tagged(
    Object.entries(options).map(([name, { value, what }]) => [
      optionMacros({ long: `--${name}`, value: value?.toLowerCase(), optional: false }),
      sentences(what),
    ]),
  );

function exitCodes<Name extends string>(
  codes: Readonly<Record<Name, number>>,
  means: Readonly<Record<Name, string>>,
): string {
  const names = Object.keys(codes) as Name[];
  return tagged(names.map((name) => [String(codes[name]), sentences(means[name])]));
}

/** What a source may ask for, by the word between its `@`. */
const PARTS: Readonly<Record<string, () => string>> = {
  commands: commandSections,
  "exit codes": () => exitCodes(EXIT, EXIT_MEANS),
  settings: settingSections,
  denials: () => tagged(Object.entries(DENIALS).map(([reason, what]) => [`Li ${reason}`, sentences(what)])),
  "knockd options": () => daemonOptions(KNOCKD),
  "knockd signals": () => prose(KNOCKD.signals),
  "phone-auth options": () => daemonOptions(PHONE_AUTH),
  "phone-auth signals": () => prose(PHONE_AUTH.signals),
  "daemon exits": () => exitCodes(DAEMON_EXIT, DAEMON_EXIT_MEANS),
};

/**
 * Fills in the parts of a manual page that must agree with the program.
 * @param source mdoc(7), with a line `@commands@` where a part belongs
 * @throws Error when it asks for a part that there is none of
 */
export function manualPage(source: string): string {
  return source.replace(/^@([a-z -]+)@$/gm, (_line, name: string) => {
    const part = PARTS[name];
    if (part === undefined)
      throw new Error(`a manual page asks for @${name}@: take one of ${Object.keys(PARTS).join(", ")}`);
    return part();
  });
}
