import type { LibraryHandle } from "koffi";

/** The C library that this process runs with: for what Node has no call. */
export interface LibC {
  /** Finds a function by its prototype in C. @throws Error when there is none of that name */
  readonly func: LibraryHandle["func"];
  /** errno(3) of the last call. */
  readonly errno: () => number;
}

/** Loads it when first used: a knockctl that only asks knockd need not wait for it. @throws Error when koffi cannot be loaded */
export async function loadLibC(): Promise<LibC> {
  const { default: koffi } = await import("koffi");
  const library = koffi.load(null); // the program itself, and so what it is linked with
  return { func: library.func.bind(library), errno: () => koffi.errno() };
}
