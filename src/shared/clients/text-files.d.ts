// esbuild's text loader (scripts/build.mjs) and the tests' own (vitest.config.ts) give such a file as one string.
declare module "*.sh" {
  const text: string;
  export default text;
}
declare module "*.ps1" {
  const text: string;
  export default text;
}
