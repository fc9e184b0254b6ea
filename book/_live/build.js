// Write what live cells load into a folder: node build.js WHEEL FOLDER
//
// The runtime is cut into pieces, each a script that puts a text where the page finds it: so one
// mechanism serves a page from disk and one from a server, a page can say how much has come, and a
// load that broke goes on where it ended. The text is base64 of gzip: a server that packs nothing
// sends 10.7 MB so, and a server that packs 8.1 MB. What of Python is compiled here is 1.9 MB of it, and
// spares each start most of its work.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { loadPyodide } from "pyodide";

const PIECE = 1_000_000; // bytes
const here = dirname(fileURLToPath(import.meta.url));
const pyodide = dirname(fileURLToPath(import.meta.resolve("pyodide")));
const [wheel, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });

const settings = { bundle: true, minify: true, format: "iife", target: "es2022", legalComments: "eof" };
for (const name of ["button", "editor", "solved"]) {
  await build({ ...settings, entryPoints: [join(here, `${name}.js`)], outfile: join(folder, `${name}.js`) });
}
const worker = await build({ ...settings, entryPoints: [join(here, "worker.js")], write: false });

/** Bytes of a file, as the page's Python takes them. */
const read = (path) => new Uint8Array(readFileSync(path));

/** The standard library and gupcore, in which what a run imports is compiled. */
async function compileArchives() {
  const library = read(join(pyodide, "python_stdlib.zip"));
  const gupcore = read(wheel);
  const python = await loadPyodide();
  python.unpackArchive(gupcore, "wheel");
  const space = python.toPy({ __name__: "run" });
  python.runPython(readFileSync(join(here, "run.py"), "utf8"), { globals: space });
  python.runPython("import gupcore.player; gupcore.player.Player(gupcore.check(gupcore.race()))");
  python.runPython(readFileSync(join(here, "compile.py"), "utf8"), { globals: space });
  const [zip, site] = python.runPython("import site, zipimport; [zipimport.__file__, gupcore.__file__]").toJs();
  const compiled = (archive, file, isLibrary) =>
    space.get("compiled")(python.toPy(archive), dirname(file), isLibrary).toJs();
  return { library: compiled(library, zip, true), gupcore: compiled(gupcore, dirname(site), false) };
}

const { info } = JSON.parse(readFileSync(join(pyodide, "pyodide-lock.json"), "utf8"));
const parts = {
  worker: worker.outputFiles[0].contents,
  module: readFileSync(join(pyodide, "pyodide.mjs")),
  glue: readFileSync(join(pyodide, "pyodide.asm.mjs")),
  lock: Buffer.from(JSON.stringify(info)),
  wasm: readFileSync(join(pyodide, "pyodide.asm.wasm")),
  ...(await compileArchives()),
  run: readFileSync(join(here, "run.py")),
};
const pieces = [];
for (const [part, contents] of Object.entries(parts)) {
  const packed = part === "worker" ? contents : gzipSync(contents, { level: 9 }); // the worker unpacks
  const text = Buffer.from(packed).toString("base64");
  for (let start = 0; start < text.length; start += PIECE) {
    const name = `${part}-${start / PIECE}.js`;
    const script = `gupLive.pieces["${name}"]="${text.slice(start, start + PIECE)}";\n`;
    writeFileSync(join(folder, name), script);
    pieces.push([name, script.length]);
  }
}
writeFileSync(join(folder, "pieces.json"), JSON.stringify(pieces));
