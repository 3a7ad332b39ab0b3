import { SYSTEM_CONFIG } from "../../shared/settings/paths.ts";
import type { Command } from "../command.ts";
import { completionTable, type Offer } from "./table.ts";

const quoted = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;

const ASKED: Readonly<Record<Exclude<Offer["kind"], "words">, string>> = {
  users: "__knockctl_users $config",
  services: "__knockctl_services $config",
  files: "__fish_complete_path (commandline -ct)",
  folders: "__fish_complete_directories (commandline -ct)",
};

const asked = (offer: Offer): string =>
  offer.kind === "words"
    ? `printf '%s\\t%s\\n' ${offer.words.map(({ word, what = "" }) => `${quoted(word)} ${quoted(what)}`).join(" ")}`
    : ASKED[offer.kind];

/** The completion for fish 3 and newer: one function that looks at the words typed so far. */
export function fish(commands: readonly Command[]): string {
  const { offers, groups, taking, takingAnywhere } = completionTable(commands);
  const cases = [...offers].map(
    ([place, offer]) => `        case ${quoted(place)}\n            ${asked(offer)}`,
  );
  return `# knockctl tab completion for fish; made by: knockctl completion fish
function __knockctl_users
    knockctl --config $argv[1] user list 2>/dev/null | sed -n '1{/^USER/!q;};1!s/ .*//p'
end
function __knockctl_services
    set -l typed (string replace -rf '^(.*,).*' '$1' -- (commandline -ct))
    sed -n 's/^ *\\[services\\.\\([a-z0-9_]*\\)\\].*/\\1/p' $argv[1] 2>/dev/null | string replace -r '^' "$typed"
end
function __knockctl_offer
    set -l at ''
    set -l option ''
    set -l count 0
    set -l config ${SYSTEM_CONFIG}
    if set -q KNOCKLINE_CONFIG
        set config $KNOCKLINE_CONFIG
    end
    set -l typed (commandline -opc)
    set -e typed[1]
    for word in $typed
        if test -n "$option"
            if contains -- $option --config -c
                set config $word
            end
            set option ''
            continue
        end
        switch $word
            case '--config=*'
                set config (string replace -- '--config=' '' $word)
            case '-*'
                if contains -- $word ${takingAnywhere.join(" ")}; or contains -- "$at $word" ${taking.map(quoted).join(" ")}
                    set option $word
                end
            case '*'
                if contains -- "$at" '' ${groups.join(" ")}
                    set at (string trim -- "$at $word")
                else
                    set count (math $count + 1)
                end
        end
    end
    set -l current (commandline -ct)
    set -l place "$at "(math $count + 1)
    if test -n "$option"
        set place "$at $option"
    else if string match -q -- '-*' "$current"
        set place "$at -"
    else if contains -- "$at" '' ${groups.join(" ")}
        set place "$at"
    end
    switch "$place"
${cases.join("\n")}
    end
end
complete -c knockctl -f -a '(__knockctl_offer)'`;
}
