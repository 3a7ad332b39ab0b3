// @ts-check
// Runs in a host of the lab: passes connections to a unix socket on to a TCP port there. Files are shared with the
// machine, networks are not: so a test outside reaches a port inside. `node asterisk-door.mjs SOCKET PORT`
import { connect, createServer } from "node:net";

const [path = "", port = ""] = process.argv.slice(2);

createServer((outside) => {
  const inside = connect(Number(port), "127.0.0.1");
  outside.pipe(inside).pipe(outside);
  outside.on("error", () => inside.destroy());
  inside.on("error", () => outside.destroy());
}).listen(path, () => console.log("open"));
