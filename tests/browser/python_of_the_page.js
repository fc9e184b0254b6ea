// Run cells in the Python that the built pages carry, outside a browser: node python_of_the_page.js FOLDER CELLS
// CELLS is a file with [[text, [[name, text], ...]], ...]; it prints a line for each: what a page is told.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { loadPyodide } from "pyodide";

const [folder, cells] = process.argv.slice(2);
const live = { pieces: {} };
for (const name of readdirSync(folder).filter((file) => /-\d+\.js$/.test(file)))
  new Function("gupLive", readFileSync(join(folder, name), "utf8"))(live);
function part(kind) {
  const names = Object.keys(live.pieces).filter((name) => name.startsWith(`${kind}-`));
  const ordered = names.sort((one, other) => parseInt(one.split("-")[1]) - parseInt(other.split("-")[1]));
  return new Uint8Array(gunzipSync(Buffer.from(ordered.map((name) => live.pieces[name]).join(""), "base64")));
}

const temporary = mkdtempSync(join(tmpdir(), "page-"));
const stdLibURL = join(temporary, "python_stdlib.zip");
writeFileSync(stdLibURL, part("library"));
const python = await loadPyodide({ stdLibURL });
rmSync(temporary, { recursive: true });
python.unpackArchive(part("gupcore"), "wheel");
const space = python.toPy({ __name__: "run" });
python.runPython(new TextDecoder().decode(part("run")), { globals: space, filename: "run.py" });
const run = space.get("run");
for (const [text, above] of JSON.parse(readFileSync(cells, "utf8"))) {
  const told = [];
  run(text, python.toPy(above), (...said) => told.push(said));
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
