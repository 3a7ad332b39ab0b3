import { posix } from "node:path";
import { parseAst } from "vitest/node";

/** Source files by path from the checkout's root, e.g. `src/shared/address.ts`. */
export type Sources = Readonly<Record<string, string>>;

/** A node of the syntax tree (ESTree with TypeScript): what we use of it. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** One `import`, `export from`, `import()` or `import("x").T`. */
interface Import {
  readonly from: string;
  readonly start: number;
  /** Gone after compilation. */
  readonly typeOnly: boolean;
  /** Imported names; `*` for everything. */
  readonly names: readonly string[];
}

const PROCESSES = ["knockd", "phone-auth", "knockctl"];

/** Node's modules that neither see nor change the world, and what may be taken from those that do in part. */
const PURE_MODULES = ["path", "url", "util", "buffer", "string_decoder", "assert"];
const PURE_PARTS: Readonly<Record<string, RegExp>> = {
  net: /^isIP(v4|v6)?$/,
  crypto:
    /^(create(Hash|Hmac|PublicKey|PrivateKey|SecretKey|Cipheriv|Decipheriv)|scryptSync|hkdfSync|verify|timingSafeEqual|constants|KeyObject)$/,
};

/** Globals that read the world or act on it. Date and Math only in part: see `worldlyUse`. */
const WORLDLY_GLOBALS = new Set(
  (
    "process console performance crypto fetch WebSocket BroadcastChannel navigator require module __dirname __filename " +
    "setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate globalThis global"
  ).split(" "),
);

/**
 * Checks the dependency rule over all sources of `src/`.
 * @returns one line for each breach, `FILE:LINE: what, and what to do`; empty when the rule is kept
 */
export function breaches(sources: Sources): string[] {
  const packages = new Map<string, string>(); // bounded: one entry a package; the file that imported it first
  return Object.keys(sources)
    .sort()
    .flatMap((file) => {
      const text = sources[file] ?? "";
      const tree = parseAst(text, { lang: "ts" }) as unknown as Node;
      const found = [
        ...importsOf(tree).flatMap((one) =>
          breachOfImport(file, one, packages).map((what) => ({ ...one, what })),
        ),
        ...(mayTouchTheWorld(file) ? [] : worldlyUses(tree)),
      ];
      return found.map(({ start, what }) => `${file}:${lineAt(text, start)}: ${what}`);
    });
}

/** Only these files may: everything else is pure. */
function mayTouchTheWorld(file: string): boolean {
  return posix.basename(file) === "main.ts" || file.split("/").includes("adapters");
}

/** The folder right under src/: `shared` or a process. */
function partOf(file: string): string {
  return file.split("/")[1] ?? "";
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function breachOfImport(file: string, one: Import, packages: Map<string, string>): string[] {
  if (one.from.startsWith(".")) return breachOfPath(file, one);
  if (one.from.startsWith("node:")) return breachOfBuiltin(file, one);
  return breachOfPackage(file, one.from, packages);
}

function breachOfPath(file: string, { from, typeOnly }: Import): string[] {
  const target = posix.join(posix.dirname(file), from);
  if (target.startsWith("clients/")) return [];
  if (!target.startsWith("src/"))
    return [`imports ${target}: sources import only src/ and the texts in clients/`];
  const [mine, theirs] = [partOf(file), partOf(target)];
  if (mine === "shared" && PROCESSES.includes(theirs)) {
    return [`shared imports the process ${theirs}: move what both need into src/shared`];
  }
  if (mine !== theirs && theirs !== "shared") {
    return [`${mine} imports the process ${theirs}: processes share only src/shared`];
  }
  if (!typeOnly && !mayTouchTheWorld(file) && mayTouchTheWorld(target)) {
    return [`pure code imports ${target}: take it as an argument, and let main.ts or an adapter pass it in`];
  }
  return [];
}

function breachOfBuiltin(file: string, { from, typeOnly, names }: Import): string[] {
  const name = from.replace("node:", "");
  if (typeOnly || mayTouchTheWorld(file) || PURE_MODULES.includes(name)) return [];
  const allowed = PURE_PARTS[name];
  if (!allowed) return [`pure code imports ${from}: only main.ts files and adapters/ touch the world`];
  return names
    .filter((part) => !allowed.test(part))
    .map((part) => `pure code imports ${part} of ${from}: only main.ts files and adapters/ touch the world`);
}

function breachOfPackage(file: string, from: string, packages: Map<string, string>): string[] {
  const name = from
    .split("/")
    .slice(0, from.startsWith("@") ? 2 : 1)
    .join("/");
  if (name === "zod") {
    return file.split("/").includes("decode") ? [] : ["imports zod: schemas belong into a decode/ folder"];
  }
  const first = packages.get(name) ?? file;
  packages.set(name, first);
  return first === file
    ? []
    : [`imports the package ${name}, which ${first} imports: one file only, use what it exports`];
}

/** Every import of a file, wherever it is written. */
function importsOf(tree: Node): Import[] {
  return [...walk(tree)].flatMap(({ node }) => {
    const source = node.source as Node | null | undefined;
    switch (node.type) {
      case "ImportDeclaration":
        return [importOf(node, source, node.importKind, node.specifiers as Node[])];
      case "ExportNamedDeclaration":
        return source ? [importOf(node, source, node.exportKind, node.specifiers as Node[])] : [];
      case "ExportAllDeclaration":
      case "ImportExpression":
        return [importOf(node, source, node.exportKind, undefined)];
      case "TSImportType":
        return [importOf(node, source, "type", undefined)];
      default:
        return [];
    }
  });
}

function importOf(
  node: Node,
  source: Node | null | undefined,
  kind: unknown,
  specifiers: Node[] | undefined,
): Import {
  const values = specifiers?.filter((one) => (one.importKind ?? one.exportKind) !== "type");
  const names = values?.map((one) => ((one.imported ?? one.local) as Node).name as string) ?? ["*"];
  const whole = specifiers?.some((one) => /Default|Namespace/.test(one.type)) ?? false;
  return {
    from: String(source?.value ?? "(computed)"),
    start: node.start,
    typeOnly: kind === "type" || (specifiers !== undefined && specifiers.length > 0 && values?.length === 0),
    names: whole ? ["*"] : names,
  };
}

interface Visit {
  readonly node: Node;
  readonly parent: Node | undefined;
  readonly key: string;
}

/** Visits every node under one, with the parent's key it hangs on. */
function* walk(node: Node, parent?: Node, key = ""): Generator<Visit> {
  yield { node, parent, key };
  for (const [name, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === "string") yield* walk(child as Node, node, name);
    }
  }
}

function worldlyUses(tree: Node): { start: number; what: string }[] {
  const visits = [...walk(tree)];
  // A name the file declares somewhere is taken for its own everywhere: a parameter called `process` is no breach.
  const own = new Set(visits.flatMap(declaredBy).map((node) => node.name as string));
  return visits.flatMap((visit) => {
    const what = worldlyUse(visit, own);
    return what ? [{ start: visit.node.start, what }] : [];
  });
}

function worldlyUse({ node, parent, key }: Visit, own: ReadonlySet<string>): string | undefined {
  if (node.type === "MetaProperty")
    return "reads import.meta: only main.ts files and adapters/ touch the world";
  if (node.type !== "Identifier" || isOnlyAName(parent, key)) return undefined;
  const name = node.name as string;
  if (name === "Date" && readsClock(parent, key)) return "reads the clock: take `now` as an argument";
  if (name === "Math" && memberName(parent) === "random")
    return "draws at random: take randomness as an argument";
  if (!WORLDLY_GLOBALS.has(name) || own.has(name)) return undefined;
  return `uses ${name}: only main.ts files and adapters/ touch the world`;
}

/** `new Date(x)`, `Date.parse` and `Date.UTC` are pure; `new Date()`, `Date()` and `Date.now` read the clock. */
function readsClock(parent: Node | undefined, key: string): boolean {
  if (parent?.type === "NewExpression" && key === "callee")
    return (parent.arguments as unknown[]).length === 0;
  if (parent?.type === "BinaryExpression") return false; // x instanceof Date
  return !["parse", "UTC", "prototype"].includes(memberName(parent) ?? "");
}

function memberName(parent: Node | undefined): string | undefined {
  if (parent?.type !== "MemberExpression") return undefined;
  const property = parent.property as Node;
  return String(parent.computed ? property.value : property.name);
}

/** A property's or label's name, a type: text that refers to nothing at run time. */
function isOnlyAName(parent: Node | undefined, key: string): boolean {
  if (!parent) return false;
  if (
    parent.type.startsWith("TS") &&
    !/^TS(As|Satisfies|NonNull|Instantiation|TypeAssertion)/.test(parent.type)
  )
    return true;
  const named = [
    "MemberExpression:property",
    "Property:key",
    "MethodDefinition:key",
    "PropertyDefinition:key",
  ];
  if (named.includes(`${parent.type}:${key}`)) return !parent.computed;
  return /^(Import|Export).*Specifier$/.test(parent.type);
}

/** The identifiers that a node declares, as far as simple patterns go. */
function declaredBy({ node, parent, key }: Visit): Node[] {
  if (node.type === "ObjectPattern") {
    return (node.properties as Node[]).map((one) => (one.value ?? one.argument) as Node);
  }
  if (node.type !== "Identifier" || !parent) return [];
  const binds = ["VariableDeclarator:id", "AssignmentPattern:left", "ArrayPattern:elements"].includes(
    `${parent.type}:${key}`,
  );
  const named = /Function|Class/.test(parent.type) && (key === "params" || key === "id");
  const imported = /^Import.*Specifier$/.test(parent.type) && key === "local";
  return binds || named || imported ? [node] : [];
}
