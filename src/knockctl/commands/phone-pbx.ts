/** What ARI said to a GET. */
export type AriReply =
  | { readonly status: number; readonly body: unknown }
  /** Nobody answered, in the system's words. */
  | { readonly failed: string };

/** One settings file of Asterisk. */
export interface ConfFile {
  readonly path: string;
  readonly text: string;
}

/** The PBX as `phone check` sees it. */
export interface Pbx {
  /** @param path under `/ari/` */
  get(path: string): Promise<AriReply>;
  /**
   * Every file whose name begins so and ends in .conf: FreePBX spreads one file over NAME_additional and NAME_custom.
   * @returns those that may be read; why there are none
   */
  conf(name: string): Promise<readonly ConfFile[] | "missing" | "unreadable">;
  /** Where `conf` looks. */
  readonly folder: string;
}
