// Loaded into a program under test by --require: at SIGUSR2 it writes down how many timers, sockets and pipes it holds.
const { renameSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");

process.on("SIGUSR2", () => {
  const counts = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  const file = join(process.env.KNOCKLINE_CENSUS, `census-${process.pid}.json`);
  writeFileSync(`${file}.new`, JSON.stringify(counts));
  renameSync(`${file}.new`, file);
});
