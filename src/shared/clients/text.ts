import { formatDuration, seconds } from "../duration.ts";
import type { ClientView } from "../gate/views.ts";

type Step = ClientView["steps"][number];

/**
 * Writes the settings for programs that are not ours: phone apps, knock, bash, nc and nmap.
 * Pure, and for views that renderClient has checked. @returns lines of at most some 100 characters, a newline last
 */
export function renderText(view: ClientView, host: string): string {
  const parts = [head(view, host), ...call(view), phone(view, host), commands(view, host), check(view, host)];
  return `${parts.join("\n\n")}\n`;
}

/** What the last step must carry, as shell variables; empty: anything. */
const payloadOf = ({ proof, approval }: ClientView): string =>
  [...(proof === "otp" ? ["$otp"] : []), ...(approval === "none" ? [] : ["$code"])].join(" ");

function content({ proof, approval }: ClientView): string {
  if (proof === "ssh")
    return "of the last step: a line signed with the SSH key, as below; of the others anything";
  const codes = [
    ...(proof === "otp" ? ["the 6 digits of the authenticator app"] : []),
    ...(approval === "none" ? [] : ["6 random digits of your own for the call"]),
  ];
  if (codes.length === 0) return "anything; one byte will do";
  return `of the last step: ${codes.join(", a blank, ")}; of the others anything`;
}

function head(view: ClientView, host: string): string {
  const { server, user, services, steps, window, approval } = view;
  const opens = services.map(({ name, ports }) => `  ${name.padEnd(14)} ${ports.join(" ")}`);
  return [
    `Knocking as ${user} at ${server}. Secret: whoever has these ports can open the door.`,
    "",
    `host     ${host}`,
    `ports    ${steps.map(({ proto, port }) => `${port} (${proto.toUpperCase()})`).join(", then ")}`,
    `time     all ${steps.length} within ${window} s, in this order; 20 ms or more between them`,
    `content  ${content(view)}`,
    "",
    `A knock ${approval === "none" ? "opens" : "and a call open"}, for the address it comes from:`,
    ...opens,
  ].join("\n");
}

/** What to do after the knock, where it alone opens nothing. */
function call({ approval, extension, pending }: ClientView): string[] {
  const within = formatDuration(seconds(pending));
  if (approval === "phone") {
    return [
      `Then, within ${within}: dial ${extension}, key your PIN, and the code that you sent, each ended by #.`,
    ];
  }
  if (approval === "call") {
    return [
      "Then your phone rings: it speaks the code that you sent. Only if it does, key your PIN, ended by #.",
    ];
  }
  return [];
}

function phone(view: ClientView, host: string): string {
  if (view.proof === "ssh")
    return "Phone, Android: no app can sign; Termux (pkg install openssh) with the lines below.";
  const { user, steps } = view;
  const data =
    payloadOf(view) === ""
      ? []
      : [`  Data of step ${steps.length}              the digits named above, anew for each knock`];
  return [
    'Phone, Android: the app "Knock on Ports"',
    `  Name                        ${user}`,
    `  Host                        ${host}`,
    ...steps.map(
      ({ proto, port }, n) => `  Sequence step ${n + 1}             ${proto.toUpperCase()}, Port ${port}`,
    ),
    ...data,
    "  Delay between packets (ms)  100",
    "  IP version                  prefer IPv4 (the one your SIP or SSH app uses; not both)",
    "  Launch app after knocking   your SIP or SSH app",
    "Any other app will do that sends to these ports in this order: JuiceSSH's plugin, Termux with the lines below.",
  ].join("\n");
}

function commands(view: ClientView, host: string): string {
  if (view.proof === "ssh") return signedCommands(view, host);
  return payloadOf(view) === "" ? plainCommands(view, host) : codeCommands(view, host);
}

/** The stock knock client is not among them: it cannot say what a step carries. */
function codeCommands(view: ClientView, host: string): string {
  const payload = payloadOf(view);
  const first = view.steps.slice(0, -1);
  const last = view.steps.at(-1) as Step;
  const line = (filler: (step: Written) => string, final: string): string =>
    `  ${each(first, filler)}; ${final}`;
  const set = [
    ...(view.proof === "otp"
      ? ["otp=123456    # the app shows it; or: otp=$(oathtool --totp -b SECRET)"]
      : []),
    ...(view.approval === "none" ? [] : ["code=482193   # another one each time"]),
  ];
  return [
    "Computer: set in the shell",
    ...set.map((text) => `  ${text}`),
    "and then any one of these (nmap: as root)",
    line((step) => devUdp(step, host), `echo "${payload}" >/dev/udp/${host}/${last.port}    # bash`),
    line((step) => nc(step, host), `echo "${payload}" | nc -u -w1 ${host} ${last.port}`),
    line(
      (step) => nmap(step, host),
      nmap(last, host).replace("--data-length 1", `--data-string "${payload}"`),
    ),
  ].join("\n");
}

/** What docs/protocol.md tells, with this user's values. */
function signedCommands({ server, user, steps, approval }: ClientView, host: string): string {
  const last = steps.at(-1) as Step;
  const [set, code] = approval === "none" ? [[], "-"] : [["code=482193   # another one each time"], "$code"];
  return [
    "Computer: bash and OpenSSH 8.2 or newer (key: the .pub file will do where an agent has the key)",
    ...[
      "key=~/.ssh/id_ed25519",
      ...set,
      "nonce=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\\r\\n')",
      `msg="KL1 ${server} ${user} $(date +%s) $nonce - - ${code}"`,
      "sig=$(printf %s \"$msg\" | ssh-keygen -q -Y sign -f \"$key\" -n knock@knockline | sed '/^-----/d' | tr -d '\\r\\n')",
      each(steps.slice(0, -1), (step) => (isUdp(step) ? devUdp(step, host) : nc(step, host))),
      `printf %s "$msg $sig" >/dev/udp/${host}/${last.port}`,
    ].map((text) => `  ${text}`),
  ].join("\n");
}

const devUdp = ({ port }: Written, host: string): string => `echo >/dev/udp/${host}/${port}; sleep 0.1`;

function plainCommands({ steps }: ClientView, host: string): string {
  const stock = steps.map(({ proto, port }) => `${port}:${proto}`).join(" ");
  return [
    "Computer: any one of these (nmap: as root)",
    `  knock -d 20 ${host} ${stock}`,
    ...(steps.every(isUdp) ? [`  ${each(steps, (step) => devUdp(step, host))}    # bash`] : []),
    `  ${each(steps, (step) => nc(step, host))}`,
    `  ${each(steps, (step) => nmap(step, host))}`,
  ].join("\n");
}

/** A step of the sequence, or the shell's variable that stands for its port. */
type Written = { readonly proto: Step["proto"]; readonly port: Step["port"] | "$p" };

const isUdp = ({ proto }: Pick<Step, "proto">): boolean => proto === "udp";

/** Writes a shell line that runs a command for each step: a loop where all steps are alike. */
function each(steps: readonly Step[], command: (step: Written) => string): string {
  if (!steps.every(isUdp)) return steps.map(command).join("; ");
  const ports = steps.map(({ port }) => port).join(" ");
  return `for p in ${ports}; do ${command({ proto: "udp", port: "$p" })}; done`;
}

const nc = ({ proto, port }: Written, host: string): string =>
  proto === "udp" ? `echo | nc -u -w1 ${host} ${port}` : `nc -z -w1 ${host} ${port}`;

/** One port a run, because nmap shuffles them; no retries, because those come from other ports, later. */
function nmap({ proto, port }: Written, host: string): string {
  const scan = proto === "udp" ? "-sU --data-length 1" : "-sS";
  return `nmap ${host.includes(":") ? "-6 " : ""}-n -Pn ${scan} --max-retries 0 -p ${port} ${host}`;
}

function check({ probe }: ClientView, host: string): string {
  if (probe === null)
    return "Nothing of it is TCP, so no program can tell whether the door opened: try the service itself.";
  return `Open? Then this says so at once:\n  nc -z -w2 ${host} ${probe} && echo open`;
}
