import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  checkSecret,
  checkSecretFile,
  loadSettings,
  locate,
} from "../../src/shared/settings/adapters/load.ts";
import { SettingsError } from "../../src/shared/settings/problem.ts";

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "knockline-settings-"));
  file = join(folder, "knockline.toml");
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function failure(work: Promise<unknown>): Promise<SettingsError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SettingsError) return error;
  throw new Error("a SettingsError was expected", { cause: error });
}

test("a settings file is read and decoded, paths counted from its folder", async () => {
  await writeFile(file, '[access]\nttl = "2h"\n[paths]\nstate = "state"\n');
  const settings = await loadSettings(file);
  expect(settings.access.ttl).toBe(7_200_000);
  expect(settings.paths.db).toBe(join(folder, "state/db"));
  expect(await locate(file)).toEqual(settings.paths);
});

test("a missing file is told with the cure", async () => {
  const error = await failure(loadSettings(file));
  expect(error.message).toBe(`there is no settings file ${file}`);
  expect(error.cure).toContain("knockctl init");
});

test("a syntax error is told with line and column", async () => {
  await writeFile(file, "[access]\nttl = 1h\n");
  const error = await failure(loadSettings(file));
  expect(error.message).toMatch(new RegExp(`^${file}:2:\\d+: `));
  expect(error.message).not.toContain("\n");
});

test("every problem is a line", async () => {
  await writeFile(file, '[access]\nttl = "soon"\n[log]\nlevel = "loud"\n');
  const error = await failure(loadSettings(file));
  expect(error.message.split("\n")).toHaveLength(2);
  expect(error.problems.map(({ path }) => path)).toEqual(["access.ttl", "log.level"]);
});

test("paths are found although the rest of the file is wrong", async () => {
  await writeFile(file, '[access]\nttl = "soon"\n');
  expect((await locate(file)).adminSocket).toBe(join(folder, "admin.sock"));
});

test("a secret that is lost is not to be made anew where a store is, and the cure says so", async () => {
  await writeFile(file, "");
  const paths = await locate(file);
  expect((await failure(checkSecret(paths))).cure).toBe("make it with: knockctl init");
  await mkdir(paths.db);
  const { cure } = await failure(checkSecret(paths));
  expect(cure).toMatch(/^put the old secret back, or restore a backup: .*knockctl restore FILE$/);
});

test("a secret file that others may read is refused by name and with its chmod", async () => {
  const secret = join(folder, "secret");
  expect((await failure(checkSecretFile(secret))).cure).toContain("knockctl init");
  await writeFile(secret, "x", { mode: 0o640 });
  await checkSecretFile(secret);
  await chmod(secret, 0o644);
  const error = await failure(checkSecretFile(secret));
  expect(error.message).toContain(secret);
  expect(error.cure).toContain(`chmod 0640 ${secret}`);
});
