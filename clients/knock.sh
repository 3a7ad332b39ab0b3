#!/usr/bin/env bash
# Knocks as @USER@ at @SERVER@ and tells whether the door opened.
#
# The secret ports are in this file: keep it to yourself (chmod 0700).
# Needs bash 3.2 or newer (macOS, any Linux) and nothing else; nc only where bash was built without /dev/udp.
# Asked for a code of an authenticator app, it takes it from the terminal, or from the command in KNOCK_OTP_CMD.
# Asked for a signature, it has ssh-keygen (OpenSSH 8.2 or newer) make one with your SSH key.
# Made by: knockctl user client @USER@ --format sh    (after "user rotate": make it anew)

set -uf

# ---- filled in by knockctl -----------------------------------------------------------------------------
host='@HOST@'         # where to knock; the first argument or KNOCK_HOST override it
server='@SERVER@'     # the server's own name, for --version and to be signed
user='@USER@'
steps='@STEPS@'       # PROTO/PORT in the order to knock
probe='@PROBE@'       # TCP port that shows whether the door is open; empty: nothing to look at
services='@SERVICES@' # what opens
proof='@PROOF@'       # otp: the last step carries a code of the authenticator app; ssh: it is signed with an SSH key
approval='@APPROVAL@' # phone: the user calls after the knock; call: the PBX calls him; none: the knock alone opens
dial='@EXTENSION@'    # what to dial then
pending='@PENDING@'   # seconds that the knock waits for the call
# --------------------------------------------------------------------------------------------------------

me=${0##*/}
host=${KNOCK_HOST:-$host}
ssh_key=${KNOCK_KEY-} # the SSH key that signs; its .pub file will do where an agent has the other half
family=''      # 4 or 6 when the user insists
quiet=no
to_stderr=no   # with --then, standard output belongs to the command (ssh's ProxyCommand speaks through it)
sender=bash    # or nc
address=''     # the one address that is knocked and probed
children=''    # background jobs, some forty a try at most; reap ends them
probes=''      # the probes still running
early=''       # the one started before the first knock, while it can tell something
already=no     # it connected: the door was open before we knocked
refused=no     # a probe was refused, rather than left without an answer
gap=0.02       # seconds between steps, lest the network swaps two
clock=''       # set by read_clock
result=0       # set by ended
otp=''         # the authenticator's code, the same in every try of one run: a repeat is not a replay
signed=''      # the signed line: for the server one knock, however often it is sent
code=''        # what the caller keys, or hears: it tells his request from anybody else's

usage() {
  # printf, not a here-document: old bash writes those to a temporary file
  printf '%s\n' \
    "usage: $me [-4 | -6] [-q] [HOST] [--then COMMAND ...]" \
    "Knocks as $user and tells whether the door opened ($services), for this machine's address only." \
    "" \
    "  -4, -6         knock by IPv4, by IPv6 (default: as the system prefers)" \
    "  -q             say nothing when all is well" \
    "  --key FILE     sign with this SSH key (default: the first of ~/.ssh/id_ed25519, id_ecdsa, id_rsa)" \
    "  --then ...     when open, run the rest of the line (its output stays clean)" \
    "  --version      say for whom this file was made" \
    "" \
    "  KNOCK_HOST     in the environment: where to knock" \
    "  KNOCK_KEY      what --key says" \
    "  KNOCK_OTP_CMD  a command that prints the authenticator's code, where one is needed" \
    "" \
    "Exit code: 0 open (or sent, where that cannot be checked), 1 not open, 2 wrong usage." \
    "" \
    "examples:" \
    "  $me" \
    "  $me -4 ${host:-pbx.example.com}" \
    "  $me --then ssh ${host:-pbx.example.com}" \
    "  ProxyCommand $me -q %h --then nc %h %p       (in ~/.ssh/config)"
}

misused() {
  printf '%s: %s; try: %s --help\n' "$me" "$1" "$me" >&2
  exit 2
}

fail() {
  printf '%s: %s\n' "$me" "$1" >&2
  exit 1
}

say() {
  [ "$quiet" = yes ] && return
  if [ "$to_stderr" = yes ]; then printf '%s\n' "$1" >&2; else printf '%s\n' "$1"; fi
}

# ---- time ----------------------------------------------------------------------------------------------

# Sets clock to milliseconds since 1970, or to nothing where neither bash nor date can tell (macOS).
read_clock() {
  clock=${EPOCHREALTIME-} # bash 5; the decimal sign follows the locale
  clock=${clock/[.,]/}
  if [ -n "$clock" ]; then
    clock=${clock%???}
    return
  fi
  clock=$(date +%s%N 2>/dev/null)
  case $clock in
    *[!0-9]*) clock='' ;; # BSD date leaves an N
    ?????????????????*) clock=${clock%??????} ;;
    *) clock='' ;;
  esac
}

# A fraction of a second; a whole one where sleep knows no fractions.
nap() {
  LC_ALL=C sleep "$1" 2>/dev/null || sleep 1
}

# "23 ms", or "about 1 s" without a millisecond clock. $1: clock and $2: SECONDS at the start.
elapsed() {
  local whole=$((SECONDS - $2))
  read_clock
  if [ -n "$1" ] && [ -n "$clock" ]; then
    printf '%s ms' $((clock - $1))
  else
    printf 'about %s s' $((whole > 0 ? whole : 1))
  fi
}

# ---- background jobs -----------------------------------------------------------------------------------

# Ends one job; with standard error away, since bash would report "Terminated".
stop() {
  { kill "$1" && wait "$1"; } >/dev/null 2>&1
}

reap() {
  local job
  for job in $children; do stop "$job"; done
  children=''
  probes=''
}

# ---- addresses -----------------------------------------------------------------------------------------

have() { command -v "$1" >/dev/null 2>&1; }

# bash can be built without /dev/udp. KNOCK_SEND=nc tries out the other way. Nothing is sent here.
choose_sender() {
  if [ "${KNOCK_SEND-}" != nc ] && (: >/dev/udp/127.0.0.1/9) 2>/dev/null; then return; fi
  have nc || fail "this bash cannot send datagrams (no /dev/udp) and there is no nc: install netcat"
  sender=nc
}

# macOS, IPv6 first: an address without a route is passed over later.
lookup_macos() {
  local wanted key value
  for wanted in ipv6_address: ip_address:; do
    dscacheutil -q host -a name "$1" | while read -r key value; do
      if [ "$key" = "$wanted" ]; then echo "$value"; fi
    done
  done
}

# Prints the addresses of a name, best first; the name itself where no program tells: then /dev/udp resolves it.
lookup() {
  local ip rest
  case $1 in
    *:*) echo "$1" ;;
    *[!0-9.]*)
      if have getent; then
        # shellcheck disable=SC2034 # rest: read takes the line's other words into it
        getent ahosts "$1" | while read -r ip rest; do echo "$ip"; done
      elif have dscacheutil; then
        lookup_macos "$1"
      else
        echo "$1"
      fi
      ;;
    *) echo "$1" ;;
  esac
}

fits_family() {
  case $family$1 in
    4*[!0-9.]*) return 1 ;;
    6*:*) return 0 ;;
    6*) return 1 ;;
  esac
}

# Opening a datagram socket asks for a route and sends nothing. nc cannot ask.
has_route() {
  [ "$sender" = nc ] || (: >"/dev/udp/$1/9") 2>/dev/null
}

# One address for all steps and probes: a grant is for one address, and the server sees each family apart.
choose_address() {
  local candidate found=no
  for candidate in $(lookup "$host"); do
    fits_family "$candidate" || continue
    found=yes
    if has_route "$candidate"; then
      address=$candidate
      return
    fi
  done
  [ "$found" = yes ] && fail "no way to $host${family:+ by IPv$family}: is this machine online?"
  fail "no${family:+ IPv$family} address found for $host: is the name right, and this machine online?"
}

# ---- codes ---------------------------------------------------------------------------------------------

is_otp() { case $1 in [0-9][0-9][0-9][0-9][0-9][0-9]) ;; *) return 1 ;; esac; }

# Standard input and output may be ssh's: asked is the terminal itself.
ask_otp() {
  if [ "$quiet" = yes ] || ! (: </dev/tty) 2>/dev/null; then
    misused "a code of the authenticator app is needed, and nobody to ask: let a command in KNOCK_OTP_CMD print it"
  fi
  for _ in 1 2 3; do
    printf '%s' "Code of the authenticator app for $user at $host: " >/dev/tty
    read -r otp </dev/tty || break
    otp=${otp//[[:space:]]/}
    is_otp "$otp" && return
    printf '%s\n' "that is not 6 digits" >/dev/tty
  done
  fail "no code of 6 digits was given"
}

choose_otp() {
  if [ -z "${KNOCK_OTP_CMD-}" ]; then
    ask_otp
    return
  fi
  # its input is not ours to give: it may be ssh's
  otp=$(bash -c "$KNOCK_OTP_CMD" </dev/null) || fail "the command in KNOCK_OTP_CMD failed (exit code $?)"
  otp=${otp//[[:space:]]/}
  is_otp "$otp" || fail "the command in KNOCK_OTP_CMD did not print a code of 6 digits"
}

# Six digits from the system's generator; from bash's own where there is no od.
make_up_code() {
  local number
  number=$(od -An -N4 -tu4 /dev/urandom 2>/dev/null)
  number=${number//[!0-9]/}
  [ -n "$number" ] || number=$((RANDOM * 1073741824 + RANDOM * 32768 + RANDOM))
  code=$(printf '%06d' $((number % 1000000)))
}

# ---- signatures ----------------------------------------------------------------------------------------

# The public half alone will do for ssh-keygen: the other one is in the agent, or in a token.
choose_key() {
  local candidate
  if [ -z "$ssh_key" ]; then
    for candidate in id_ed25519 id_ecdsa id_rsa; do
      for ssh_key in "${HOME-}/.ssh/$candidate" "${HOME-}/.ssh/$candidate.pub"; do
        [ -f "$ssh_key" ] && return
      done
    done
    misused "no SSH key found in ~/.ssh: name the one whose public half the admin has with --key FILE or KNOCK_KEY"
  fi
  [ -r "$ssh_key" ] || misused "cannot read the SSH key $ssh_key"
}

# One line, signed once for all tries of a run. Before the first step, for a touch or a passphrase takes time that the
# knock does not have; and what ssh-keygen asks, it asks on the terminal itself.
sign() {
  local nonce line signature
  have ssh-keygen || fail "the knock must be signed, and there is no ssh-keygen: install OpenSSH 8.2 or newer"
  choose_key
  nonce=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\r\n')
  [ ${#nonce} -eq 22 ] || fail "cannot draw a random number: head, base64 and tr are needed"
  line="KL1 $server $user $(date +%s) $nonce - - ${code:--}"
  signature=$(printf '%s' "$line" | ssh-keygen -q -Y sign -f "$ssh_key" -n knock@knockline) ||
    fail "cannot sign with $ssh_key: is it a key, is its agent there, and OpenSSH 8.2 or newer?"
  signature=${signature#-----BEGIN SSH SIGNATURE-----}
  signature=${signature%-----END SSH SIGNATURE-----*}
  signed="$line ${signature//[[:space:]]/}"
}

# ---- knocking ------------------------------------------------------------------------------------------

# What any step but the last carries: one byte, because an empty printf sends nothing at all.
filler() { printf '\0'; }

# What the last step carries: the signed line, or whichever there is of the authenticator's code and the caller's; else
# proof "none" takes anything. One line without a newline: bash sends each line as a datagram of its own.
payload() {
  local content=${signed:-$otp${otp:+${code:+ }}$code}
  if [ -n "$content" ]; then printf '%s' "$content"; else filler; fi
}

# Connects to a TCP port and ends at once; its exit code tells. For background jobs.
connect() {
  if [ "$sender" = nc ]; then exec nc -z -w 2 "$address" "$1"; fi
  exec 3<>"/dev/tcp/$address/$1"
}

send_udp() {
  if [ "$sender" = bash ]; then
    "$2" >"/dev/udp/$address/$1"
  else
    # in the background: many an nc stays on after the end of its input
    "$2" | nc -u -w 1 "$address" "$1" >/dev/null &
    children="$children $!"
  fi 2>/dev/null
}

# One SYN: gone in a few ms, and sent again only after a second.
send_tcp() {
  connect "$1" </dev/null >/dev/null 2>&1 &
  nap 0.1
  stop $!
  return 0
}

knock() {
  local step content=filler
  for step in $steps; do
    if [ "$step" = "${steps##* }" ]; then content=payload; fi
    case $step in
      udp/*) send_udp "${step#*/}" "$content" ;;
      tcp/*) send_tcp "${step#*/}" ;;
    esac || fail "cannot send to $address: does a firewall on this machine forbid it?"
    if [ "$content" = filler ]; then nap "$gap"; fi
  done
}

# ---- looking whether the door is open ------------------------------------------------------------------

start_probe() {
  connect "$probe" </dev/null >/dev/null 2>&1 &
  children="$children $!"
}

# Whether job $1 has ended; sets result to its exit code.
ended() {
  kill -0 "$1" 2>/dev/null && return 1
  wait "$1" 2>/dev/null
  result=$?
}

# The probe from before the first knock connects only if the door was open already.
was_open() {
  [ -n "$early" ] && ended "$early" || return 1
  early=''
  [ "$result" -eq 0 ] && already=yes
}

# Looks at the probes that have ended. Returns 0 when one of them connected.
one_connected() {
  local job running=''
  for job in $probes; do
    if ! ended "$job"; then
      running="$running $job"
    elif [ "$result" -eq 0 ]; then
      return 0
    else
      refused=yes
    fi
  done
  probes=$running
  return 1
}

# Watches for about 1.5 s. Where a shut door is silent, a lost first packet is sent again only after a second, and
# /dev/tcp can hang for 75 (macOS): so fresh probes join the running ones. Where it refuses, the next one follows.
opens() {
  local tick=0 began=$SECONDS
  refused=no
  while [ $tick -lt 38 ] && [ $((SECONDS - began)) -lt 3 ]; do
    was_open && return 0
    # the second packet of the early probe, after a second, would find the door that we opened
    if [ $tick -eq 16 ]; then early=''; fi
    case $tick$probes in # none running, or time for one more: after about 15, 50, 130, 500 and 900 ms
      "$tick" | "1 "* | "4 "* | "10 "* | "17 "* | "26 "*)
        start_probe
        probes="$probes $!"
        ;;
    esac
    one_connected && return 0
    if [ $tick -lt 10 ]; then nap 0.01; else nap 0.05; fi
    tick=$((tick + 1))
  done
  return 1
}

not_open() {
  local why="tcp/$probe does not answer; the admin sees why with: knockctl watch $user"
  if [ "$refused" = yes ]; then
    why="tcp/$probe is refused: the door is shut, or open and nothing listens there"
  fi
  fail "$host ($address): not open after 3 knocks; $why"
}

knock_until_open() {
  local try from since
  start_probe
  early=$!
  for try in 1 2 3; do
    # more time for a network, or an nc slow to start, that swapped the steps
    case $try in 2) gap=0.1 ;; 3) gap=0.4 ;; esac
    knock
    read_clock
    from=$clock since=$SECONDS
    if opens; then
      if [ "$already" = yes ]; then
        say "$host ($address): was open already; knocked again to renew it"
      else
        say "$host ($address): open after $(elapsed "$from" "$since")$([ "$try" -gt 1 ] && echo " (knock $try)")"
      fi
      return
    fi
    reap
  done
  not_open
}

knock_unseen() {
  # no second try to put right what an nc slow to start swaps, and none may be ended before it has sent
  if [ "$sender" = nc ]; then gap=0.4; fi
  knock
  if [ "$sender" = nc ]; then nap "$gap"; fi
  say "$host ($address): sent; cannot be checked (only UDP services)"
}

# ---- with an approval by phone -------------------------------------------------------------------------

# Said also with -q: without it nobody knows what to do.
announce() {
  if [ "$quiet$to_stderr" = nono ]; then printf '%s\n' "$1"; else printf '%s\n' "$1" >&2; fi
}

tell_to_call() {
  case $approval in
    phone) announce "Dial $dial and key $code" ;;
    call) announce "Your phone will ring; the code it speaks must be $code" ;;
  esac
}

# Three times, for nothing shows whether one was lost; the server takes them as one request. All before anybody is
# told what to dial: a knock after the answer would be a new request.
ask_for_approval() {
  for gap in 0.02 0.1 0.4; do
    knock
    nap 0.3
    was_open
  done
}

# A fresh probe every two seconds, for as long as the request lives.
await_approval() {
  local began=$SECONDS
  while [ $((SECONDS - began)) -lt "$pending" ]; do
    start_probe
    probes=$!
    for _ in 1 2 3 4; do
      nap 0.5
      one_connected && say "$host ($address): open after $((SECONDS - began)) s" && return
    done
    reap
  done
  fail "$host ($address): not open after $pending s: the request is over; knock again for a new code"
}

knock_for_approval() {
  if [ -n "$probe" ]; then
    start_probe
    early=$!
  fi
  ask_for_approval
  tell_to_call
  if [ -z "$probe" ]; then
    say "$host ($address): sent; cannot see the door (only UDP services)"
  elif [ "$already" = yes ]; then
    say "$host ($address): was open already; the call renews it"
  else
    reap
    await_approval
  fi
}

# ---- the command line ----------------------------------------------------------------------------------

check_host() {
  case $host in
    '' | -* | *[!A-Za-z0-9.:_-]*) misused "not a host name or address: $host" ;;
    *:*) case $host in *[!0-9A-Fa-f:.]*) misused "a host without a port, please: $host" ;; esac ;;
  esac
}

main() {
  local named=no
  while [ $# -gt 0 ]; do
    case $1 in
      -4 | -6) family=${1#-} ;;
      -q | --quiet) quiet=yes ;;
      -h | --help) usage && exit 0 ;;
      -V | --version) echo "knockline client 1 for $user at $server" && exit 0 ;;
      --key)
        [ $# -gt 1 ] || misused "--key needs a file"
        shift
        ssh_key=$1
        ;;
      --then)
        shift
        [ $# -gt 0 ] || misused "--then needs a command"
        to_stderr=yes
        break
        ;;
      -*) misused "unknown option $1" ;;
      *)
        [ "$named" = no ] || misused "only one host, please: $1"
        named=yes host=$1
        ;;
    esac
    shift
  done
  check_host
  trap reap EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  choose_sender
  choose_address
  if [ "$proof" = otp ]; then choose_otp; fi
  if [ "$approval" != none ]; then make_up_code; fi
  if [ "$proof" = ssh ]; then sign; fi
  if [ "$approval" != none ]; then
    knock_for_approval
  elif [ -n "$probe" ]; then
    knock_until_open
  else
    knock_unseen
  fi
  reap
  # exec: signals, standard input and the exit code are the command's own from here on
  if [ $# -gt 0 ]; then exec "$@"; fi
}

main "$@"
