// @ts-check

/**
 * Programs that tests want, and the Debian packages that bring them. A test that asks for another is an error
 * (test/helpers/needs.ts): what nobody installs would be skipped for ever, or fail on a fresh machine alone.
 * @type {Readonly<Record<string, string>>}
 */
export const TEST_TOOLS = {
  bash: "bash",
  conntrack: "conntrack",
  curl: "curl",
  dnsmasq: "dnsmasq-base",
  "dpkg-deb": "dpkg",
  faketime: "faketime",
  fish: "fish",
  groff: "groff",
  ip: "iproute2",
  iptables: "iptables",
  "iptables-nft": "iptables",
  knock: "knockd",
  lintian: "lintian",
  mandoc: "mandoc",
  "mkfs.ext4": "e2fsprogs",
  mmdebstrap: "mmdebstrap",
  nc: "netcat-openbsd",
  nft: "nftables",
  nmap: "nmap",
  nsenter: "util-linux",
  oathtool: "oathtool",
  perl: "perl",
  pgrep: "procps",
  ping: "iputils-ping",
  setpriv: "util-linux",
  shellcheck: "shellcheck",
  sipp: "sip-tester",
  ss: "iproute2",
  ssh: "openssh-client",
  "ssh-keygen": "openssh-client",
  sshd: "openssh-server",
  sudo: "sudo",
  "systemd-analyze": "systemd",
  "systemd-nspawn": "systemd-container",
  tcpdump: "tcpdump",
  tmux: "tmux",
  udhcpc: "udhcpc",
  ufw: "ufw",
  zsh: "zsh",
};
