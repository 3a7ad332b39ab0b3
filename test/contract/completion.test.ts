import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { COMMANDS } from "../../src/knockctl/catalogue/all.ts";
import { SHELLS } from "../../src/knockctl/completion/shells.ts";
import { settingsToml } from "../../src/shared/settings/template.ts";
import { needs } from "../helpers/needs.ts";

/** What is typed, and all that Tab may offer for its last word. One offer is also what Tab writes. */
const TYPED: readonly (readonly [typed: string, offered: readonly string[]])[] = [
  ["knockctl hi", ["history"]],
  ["knockctl metr", ["metrics"]],
  ["knockctl user r", ["rotate", "remove"]],
  ["knockctl user ex", ["export"]],
  ["knockctl allow lo", ["lookup"]],
  ["knockctl firewall int", ["integrate"]],
  ["knockctl import inc", ["incrediblepbx"]],
  ["knockctl grant --ser", ["--services"]],
  ["knockctl grant 203.0.113.7 --t", ["--ttl"]],
  ["knockctl user add alice --max", ["--max-ttl"]],
  ["knockctl list --w", ["--watch"]],
  ["knockctl user list --watc", []],
  ["knockctl restore pbx.backup --se", ["--settings"]],
  ["knockctl completion z", ["zsh"]],
  ["knockctl user add bob --proof ", ["none", "otp", "ssh"]],
  ["knockctl user client ann --format p", ["ps1"]],
  ["knockctl phone dialplan --for f", ["freepbx"]],
  ["knockctl user set a", ["ann"]],
  ["knockctl --config other.toml user set a", ["alma"]],
  ["knockctl history --user b", ["bert"]],
  ["knockctl revoke b", ["bert"]],
  ["knockctl user add a", []],
  ["knockctl grant 203.0.113.7 --services ss", ["ssh"]],
  ["knockctl user add bob --services ssh,w", ["ssh,web"]],
  ["knockctl user set ann --ttl ", []],
  ["knockctl user rotate --ports a", ["ann"]],
  ["knockctl audit --ports tcp/22 --phone --vi", ["--via", "--via-host"]],
  ["knockctl -c other.toml user rotate --ports a", ["alma"]],
];

/** A knockctl whose users are these. */
const FAKE = `#!/bin/sh
case "$*" in
  *other.toml*) printf 'USER  PROOF\\nalma  none\\n' ;;
  *"user list") printf 'USER  PROOF\\nann   ssh\\nbert  otp\\n' ;;
esac
`;

/** Asks each shell in its own way what it offers for the last word of a line. */
const ASK: Record<string, (script: string, typed: string) => string[]> = {
  bash: (script, typed) => {
    const words = `COMP_WORDS=(${typed.replace(/ $/, ' ""')}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))`;
    return [
      "bash",
      "--norc",
      "-c",
      `source ${script}; ${words}; _knockctl; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ];
  },
  fish: (script, typed) => ["fish", "--no-config", "-c", `source ${script}; complete -C '${typed}'`],
};

const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.split("\t")[0] ?? "")
    .filter((line) => line !== "");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "knockline-completion-"));
  writeFileSync(join(folder, "knockctl"), FAKE, { mode: 0o755 });
  writeFileSync(join(folder, "knockline.toml"), settingsToml("pbx-abcdefgh"));
  for (const [shell, make] of Object.entries(SHELLS))
    writeFileSync(join(folder, shell), `${make(COMMANDS)}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = (): NodeJS.ProcessEnv => ({
  PATH: `${folder}:${process.env.PATH ?? ""}`,
  HOME: folder,
  KNOCKLINE_CONFIG: join(folder, "knockline.toml"),
  TERM: "dumb",
});

const run = ([program = "", ...args]: string[]): string =>
  execFileSync(program, args, { encoding: "utf8", env: environment(), timeout: 15_000 });

for (const [shell, ask] of Object.entries(ASK)) {
  const { describe, test } = needs(shell);
  describe(`Tab in ${shell}`, () => {
    test.each(TYPED)("%j offers %j", (typed, offered) => {
      expect(lines(run(ask(join(folder, shell), typed))).sort()).toEqual([...offered].sort());
    });
  });
}

/** A zsh on a terminal of its own: each line is typed with Tab, and a key of ours then prints what the line has become. */
const TERMINAL = `
zmodload zsh/zpty
zpty terminal zsh -f -i
zpty -w terminal 'PS1= RPS1= PROMPT_EOL_MARK=; unsetopt zle_bracketed_paste 2>/dev/null; stty -echo'
zpty -w terminal 'autoload -Uz compinit; compinit -D -u; source "$HOME/zsh"; unsetopt beep auto_param_slash; setopt no_list_ambiguous'
zpty -w terminal 'show() { print -r -- "[[\${BUFFER}]]"; BUFFER=""; }; zle -N show; bindkey "^X" show; bindkey "^I" complete-word; print READY:$((1+1))'
zpty -r terminal line '*READY:2*'
for typed in "$@"; do
  zpty -w -n terminal "$typed"$'\\t\\x18'
  zpty -r terminal line '*\\]\\]*'
  print -r -- "\${\${line##*\\[\\[}%%\\]\\]*}"
done
zpty -d terminal
`;

const { describe, test } = needs("zsh");
describe("Tab in zsh", () => {
  test("writes what there is only one of", () => {
    const whole = TYPED.filter(([typed, offered]) => offered.length === 1 && !typed.endsWith(" "));
    // a terminal takes half a second for each
    const single = whole.filter((_, i) => i % 3 === 0);
    const typed = single.map(([line]) => line);
    const written = run(["zsh", "-f", "-c", TERMINAL, "zsh", ...typed])
      .trimEnd()
      .split("\n");
    const expected = single.map(([line, [word]]) => `${line.slice(0, line.lastIndexOf(" ") + 1)}${word}`);
    expect(written.map((line) => line.trimEnd())).toEqual(expected);
  });
});
