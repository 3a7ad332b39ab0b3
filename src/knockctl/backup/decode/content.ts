import * as z from "zod";
import { damagedBackup } from "../damaged.ts";

const content = z.object({
  /** [server] name of the instance. */
  server: z.string(),
  /** ISO 8601 UTC. */
  made: z.iso.datetime(),
  /** The secret file, base64. */
  secret: z.base64().min(44),
  /** Id of that secret. */
  vault: z.string(),
  /** The settings file as it was, for reference; null when it could not be read. */
  settings: z.string().nullable(),
  /** The store: keys and values. */
  records: z.array(z.tuple([z.string(), z.unknown()])),
});

/** What is inside a backup. */
export type BackupContent = z.output<typeof content>;

/** Reads what `unlock` gave. @throws Failure when it is not what a backup holds */
export function decodeContent(plain: Buffer): BackupContent {
  let value: unknown;
  try {
    value = JSON.parse(plain.toString());
  } catch {
    // told below, in the same words
  }
  const result = content.safeParse(value);
  if (!result.success) throw damagedBackup("what is in it does not make sense");
  return result.data;
}
