import { readFile } from "node:fs/promises";
import { checkSecretFile } from "../../shared/settings/adapters/load.ts";
import { SettingsError } from "../../shared/settings/problem.ts";
import type { Settings } from "../../shared/settings/settings.ts";
import type { Credentials } from "../link/messages.ts";

/**
 * Reads the ARI password: the first line of its file, which must be private.
 * @throws SettingsError that says what to do
 */
export async function readCredentials({ phone, paths }: Settings): Promise<Credentials> {
  if (!/^http:\/\/[^/@]+\/?$/.test(phone.url)) {
    const problem = {
      path: "phone.url",
      message: "must be http://HOST:PORT: ARI over https is not supported",
    };
    throw new SettingsError(
      paths.config,
      [problem],
      "let ARI listen on 127.0.0.1, and phone-auth run beside it",
    );
  }
  await checkSecretFile(paths.ariSecret);
  const text = await readFile(paths.ariSecret, "utf8").catch((error) => {
    throw refusal(paths.ariSecret, `the ARI password cannot be read: ${error.message}`);
  });
  const [password = ""] = text.split("\n");
  if (password.trim() === "") throw refusal(paths.ariSecret, "the file for the ARI password is empty");
  const { url, username, app } = phone;
  return { url, username, password: password.trim(), app };
}

function refusal(path: string, message: string): SettingsError {
  return new SettingsError(
    path,
    [{ path: "", message }],
    `write the password of Asterisk's ARI user into ${path}`,
  );
}
