import type { LibraryHandle } from "koffi";
import { HostError } from "../failure.ts";

type CFunction = ReturnType<LibraryHandle["func"]>;

/** The C library that this process runs with: for what Node has no call. */
export interface LibC {
  /** Finds a function by its prototype in C. @throws Error when there is none of that name */
  readonly func: (prototype: string) => CFunction;
  /** errno(3) of the last call. */
  readonly errno: () => number;
}

/** Loads it when first used: a knockctl that only asks knockd need not wait for it. @throws HostError */
export async function loadLibC(): Promise<LibC> {
  const { default: koffi } = await import("koffi").catch((error) => {
    throw new HostError(
      `koffi cannot be loaded: ${String(error)}`,
      "install knockline again: a part made for this machine is missing",
    );
  });
  const library = koffi.load(null); // the program itself, and so what it is linked with
  const func = (prototype: string): CFunction => {
    try {
      return library.func(prototype);
    } catch {
      return koffi.load("librt.so.1").func(prototype); // glibc before 2.34 has its timers there
    }
  };
  return { func, errno: () => koffi.errno() };
}
