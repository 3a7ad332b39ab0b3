import { SOCKET_PATH_BYTES } from "./paths.ts";

/**
 * The settings file that `init` writes: every setting with its default and a line of why, for a person to read.
 * @param name the server's name, already 1 to 64 of [A-Za-z0-9.-]
 */
export function settingsToml(name: string): string {
  return `# knockline settings. Check with: knockctl config check
# knockd reads changes at SIGHUP or restart; changes of what is closed wait for: knockctl firewall plan, then apply. Only at its
# start it reads [paths], [knock] listen, [log] level and [phone] max_calls; phone-auth reads everything only at its start.
# Durations: 90s 15m 2h 1d.

[paths]
# Relative paths count from this file's folder. The installed service has defaults of its own: state in
# /var/lib/knockline, run in /run/knockline.
# state = "."            # store and boot.nft
# run = "."              # the sockets; the path may be ${SOCKET_PATH_BYTES} bytes long at most
# secret = "secret"      # 32 random bytes, not readable by others
# ari_secret = "ari.secret"   # the password of Asterisk's ARI user
# sounds = "/usr/share/knockline/sounds"   # our recordings; in a checkout they are found beside the programs

[server]
# Signed knocks name it, so that a knock for one server is worth nothing at another. Do not change it lightly.
name = "${name}"

[knock]
# Where users' secret ports are drawn from. Ports of services, of the system and of well-known programs are left out.
ports = "2000-32767"
# All steps of a knock must arrive within this time.
window = "30s"
# Secret ports that belong to nobody: whoever scans touches one and spoils his own attempt.
decoys = 61
# Addresses to listen on, IPv4 and IPv6.
listen = ["0.0.0.0", "::"]

[access]
# How long a door stays open when the user has no time of his own, and the most anybody may ask for.
ttl = "1h"
max_ttl = "12h"
# What happens to open TCP sessions at the end: "keep" lets them go on (keep_max at most), "cut" ends them. UDP always ends.
on_expiry = "keep"
keep_max = "12h"
# One more knock replaces the user's oldest knock grant.
max_grants_per_user = 5
# 128 opens for one IPv6 address, 64 for its whole network (for users whose address changes by the hour).
ipv6_prefix = 128
# Whether an address keyed into the phone may be a private one (10.0.0.0/8 ...). A knock opens for its own source, and
# that may always be one.
private_addresses = false

[firewall]
# "guard": our table closes. "mark": the host's own firewall closes by default and accepts packets with our mark.
mode = "guard"
# "nothing": nothing is closed yet. "services": the services below are closed to strangers, the rest is left alone.
# "everything": all is closed but what is public, trusted or granted. Try a change with: knockctl firewall apply
guard = "nothing"
# Our one bit of the packet and conntrack marks. Change it when other software on this host uses it.
mark = "0x04000000"
# Ports that stay open to everybody under "everything", such as "tcp/443".
public = []
# Interfaces that are never closed. lo always is; "tun*" stands for all whose names begin so.
trusted_interfaces = []
# Add "forward" for ports published by containers (DNAT).
hooks = ["input"]

# What a grant opens. A name is a-z, 0-9 and _, 14 at most, and begins and ends with a letter.
[services.ssh]
ports = ["tcp/22"]

[services.sip]
ports = ["udp/5060", "tcp/5060-5061"]

[services.rtp]
ports = ["udp/10000-20000"]
# Answers to what this host itself sent are let in, so that media of its own calls flow.
replies = true

[services.iax]
ports = ["udp/4569"]

[services.web]
ports = ["tcp/80", "tcp/443"]

[allow]
# Whom to ask for names on the allowlist, such as "127.0.0.1". Empty: the system's resolvers (/etc/resolv.conf).
resolvers = []

[phone]
# Opening by a call to the PBX: Asterisk's ARI at this address, password in ari.secret.
enabled = false
url = "http://127.0.0.1:8088"
username = "knockline"
app = "knockline"
# Where users call, and how they are called back.
extension = "864"
context = "from-internal"
callback = "PJSIP/{number}"
max_calls = 20
# "core": Asterisk's own recordings. "knockline": ours.
sounds = "core"
# How long a request waits for the phone.
pending = "10m"
# A caller's silence before the first key of an entry, and between two keys; the longest a call may take.
first_digit = "10s"
between_digits = "6s"
longest_call = "3m"
# How long a call-back rings: shorter than most voice mail waits.
ring = "25s"

[history]
# How long the history is kept: grants, calls, changes of users and policy.
keep = "90d"

[log]
# debug, info, warn or error.
level = "info"
`;
}
