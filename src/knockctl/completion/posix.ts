import { SYSTEM_CONFIG } from "../../shared/settings/paths.ts";
import type { Command } from "../command.ts";
import { completionTable, type Offer } from "./table.ts";

const asked = (offer: Offer): string =>
  offer.kind === "words" ? `offer="${offer.words.map(({ word }) => word).join(" ")}"` : `kind=${offer.kind}`;

/**
 * What bash and zsh have in common: `_knockctl_look CURRENT WORD...` sets `kind` and `offer` (both the caller's) for the
 * word CURRENT behind the words typed before it, and `config`. Users are asked of knockctl, services read from the settings.
 */
function look(commands: readonly Command[]): string {
  const { offers, groups, taking, takingAnywhere } = completionTable(commands);
  const wanting = [...takingAnywhere.map((option) => `*" ${option}"`), ...taking.map((one) => `"${one}"`)];
  const cases = [...offers].map(([place, offer]) => `    "${place}") ${asked(offer)} ;;`);
  return `_knockctl_users() {
  knockctl --config "\${config:-${SYSTEM_CONFIG}}" user list 2>/dev/null | sed -n '1{/^USER/!q;};1!s/ .*//p'
}
_knockctl_services() {
  sed -n 's/^ *\\[services\\.\\([a-z0-9_]*\\)\\].*/\\1/p' "\${config:-${SYSTEM_CONFIG}}" 2>/dev/null
}
_knockctl_look() {
  local current="$1" at="" option="" count=0 word place
  shift
  for word in "$@"; do
    if [[ -n "$option" ]]; then
      # bash hands --option=value over as three words
      if [[ "$word" == "=" ]]; then continue; fi
      case "$option" in --config|-c) config="$word" ;; esac
      option=""
      continue
    fi
    case "$word" in
      --config=*) config="\${word#*=}" ;;
      -*) case "$at $word" in
        ${wanting.join("|")}) option="$word" ;;
      esac ;;
      *) case "$at" in
        ${["''", ...groups].join("|")}) at="\${at:+$at }$word" ;;
        *) count=$((count + 1)) ;;
      esac ;;
    esac
  done
  case "$current" in --*=*) option="\${current%%=*}" ;; esac
  if [[ -n "$option" ]]; then place="$at $option"
  elif [[ "$current" == -* ]]; then place="$at -"
  else case "$at" in ${["''", ...groups].join("|")}) place="$at" ;; *) place="$at $((count + 1))" ;; esac
  fi
  case "$place" in
${cases.join("\n")}
    *" "[1-9]*) if [[ -z "$current" ]]; then _knockctl_look - "$@"; fi ;;
  esac
}`;
}

/** The completion for bash 4 and newer. */
export const bash = (
  commands: readonly Command[],
): string => `# knockctl tab completion for bash; made by: knockctl completion bash
${look(commands)}
_knockctl() {
  local current="\${COMP_WORDS[COMP_CWORD]}" kind="" offer="" config="\${KNOCKLINE_CONFIG:-}" before=""
  if [[ "$current" == "=" ]]; then current=""; fi
  _knockctl_look "$current" "\${COMP_WORDS[@]:1:COMP_CWORD-1}"
  case "$kind" in
    files) compopt -o default 2>/dev/null ;;
    folders) compopt -o dirnames 2>/dev/null ;;
    users) offer=$(_knockctl_users) ;;
    services) offer=$(_knockctl_services); before="\${current%"\${current##*,}"}" ;;
  esac
  COMPREPLY=($(compgen -P "$before" -W "$offer" -- "\${current##*,}"))
}
complete -F _knockctl knockctl`;

/** The completion for zsh: a file \`_knockctl\` in its fpath, or sourced after compinit. */
export const zsh = (commands: readonly Command[]): string => `#compdef knockctl
# knockctl tab completion for zsh; made by: knockctl completion zsh
${look(commands)}
_knockctl() {
  local kind="" offer="" config="\${KNOCKLINE_CONFIG:-}"
  _knockctl_look "$words[CURRENT]" "\${(@)words[2,CURRENT-1]}"
  compset -P '--*='
  case "$kind" in
    files) _files; return ;;
    folders) _files -/; return ;;
    users) offer=$(_knockctl_users) ;;
    services) offer=$(_knockctl_services); compset -P '*,' ;;
  esac
  compadd -- \${=offer}
}
if [[ "$funcstack[1]" == _knockctl ]]; then _knockctl "$@"; else compdef _knockctl knockctl; fi`;
