// Builds each program into one file, dist/NAME.cjs, and the manual pages. CommonJS because it starts faster than an ES module.
import { chmodSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { writeManuals } from "./man.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The programs, by the name they have in bin/ and dist/. */
const programs = {
  knockd: "src/knockd/main.ts",
  knockctl: "src/knockctl/main.ts",
  "phone-auth": "src/phone-auth/main.ts",
};
/** Programs that others start: only in dist/. */
const children = {
  "ari-link": "src/phone-auth/link/adapters/ari-child.ts",
  "owner-gate": "src/knockctl/adapters/owner-gate.ts",
};

mkdirSync(join(root, "dist"), { recursive: true });
await Promise.all(
  Object.entries({ ...programs, ...children }).map(([name, entry]) =>
    build({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile: `dist/${name}.cjs`,
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      // these stay outside: pino starts its transports from files of its own, classic-level and koffi have native parts, and
      // what ari-client depends on assigns to undeclared variables, which strict code refuses
      external: ["ari-client", "classic-level", "koffi", "pino"],
      loader: { ".sh": "text", ".ps1": "text", ".txt": "text" },
      legalComments: "none",
      logLevel: "warning",
    }),
  ),
);
for (const name of Object.keys(programs)) chmodSync(join(root, "bin", name), 0o755);
await writeManuals();
console.log(`built ${Object.keys(programs).join(", ")} into dist/, with the manual`);
