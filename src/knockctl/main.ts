import { basename, delimiter, dirname, relative, resolve } from "node:path";
import { SYSTEM_CONFIG } from "../shared/settings/paths.ts";
import { openWorld } from "./adapters/world.ts";
import { GROUPS, TOPICS } from "./catalogue/all.ts";
import { interpret, type Meaning } from "./cli.ts";
import { EXIT, told } from "./failure.ts";
import { printable } from "./render/style.ts";
import { VERSION } from "./version.ts";

/** A path as short as it can be written from here, quoted for a shell when it must be. */
function shellPath(path: string): string {
  const near = relative(process.cwd(), path);
  const short = near.startsWith("..") ? path : near;
  return /^[\w./@%+,:-]+$/.test(short) ? short : `'${short.replace(/'/g, "'\\''")}'`;
}

/** How a person can start us again for the same instance. */
function selfFor(config: string): string {
  const program = resolve(process.argv[1] ?? "knockctl");
  const installed = (process.env.PATH ?? "").split(delimiter).includes(dirname(program));
  const sudo = process.geteuid?.() === 0 && process.env.SUDO_USER !== undefined ? "sudo " : "";
  const path = shellPath(program);
  const name = installed ? basename(program) : path.includes("/") ? path : `./${path}`;
  return `${sudo}${name}${config === SYSTEM_CONFIG ? "" : ` --config ${shellPath(config)}`}`;
}

/** One line what, one line what to do. */
function complain(what: string, cure: string): void {
  const lines = `knockctl: ${what}\n  ${cure}`.split("\n");
  process.stderr.write(`${lines.map(printable).join("\n")}\n`);
}

async function run({ command, call, config }: Extract<Meaning, { kind: "run" }>): Promise<number> {
  const file = resolve(config ?? process.env.KNOCKLINE_CONFIG ?? SYSTEM_CONFIG);
  const world = openWorld(file, selfFor(file));
  try {
    return await (await command.load())(call, world);
  } catch (error) {
    const { exit, what, cure } = told(error);
    complain(what, cure);
    if (process.env.KNOCKLINE_TRACE !== undefined) console.error(error);
    return exit;
  } finally {
    await world.close();
  }
}

async function main(): Promise<number> {
  // a pseudo terminal that nobody has told its size says 0
  const width = process.stdout.columns || undefined;
  const grammar = { topics: TOPICS, groups: GROUPS, version: VERSION, width };
  const meaning = interpret(process.argv.slice(2), grammar);
  if (meaning.kind === "run") return run(meaning);
  if (meaning.kind === "answer") {
    process.stdout.write(`${meaning.text}\n`);
    return EXIT.done;
  }
  complain(meaning.what, meaning.cure);
  return EXIT.usage;
}

// a reader that has seen enough (`knockctl history | head`) is no error
process.stdout.on("error", (error: NodeJS.ErrnoException) =>
  process.exit(error.code === "EPIPE" ? EXIT.done : EXIT.broken),
);

void main().then((code) => {
  process.exitCode = code;
});
