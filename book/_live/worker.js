// The worker in which Python runs. It is a classic one, because a page from disk may start no other,
// and has no network: what Python is made of is handed to it.

const MOST = 1 << 30; // bytes of memory: a run that asks for more gets a MemoryError

const fetchAny = self.fetch.bind(self);
let run;

self.addEventListener("message", async ({ data }) => {
  try {
    if (run) run(data.text, data.above);
    else await start(data);
  } catch (error) {
    self.postMessage(["fatal", String(error)]);
  }
});

/** Unpack base64 of gzip. */
async function bytes(packed) {
  const { body } = await fetchAny(`data:application/octet-stream;base64,${packed}`);
  return new Response(body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/** Run a module that is in memory. In a page from disk WebKit imports no Blob, and a data: address it does. */
async function imported(buffer) {
  const address = URL.createObjectURL(new Blob([buffer], { type: "text/javascript" }));
  try {
    return await import(address);
  } catch {
    const text = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return import(`data:text/javascript;base64,${btoa(text)}`);
  }
}

async function start(parts) {
  const names = Object.keys(parts);
  const unpacked = await Promise.all(names.map((name) => bytes(parts[name])));
  const part = Object.fromEntries(names.map((name, number) => [name, unpacked[number]]));
  withoutNetwork({ "pyodide.asm.wasm": part.wasm, "python_stdlib.zip": part.library });
  withLessMemory();
  const asText = (buffer) => new TextDecoder().decode(buffer);
  const [{ loadPyodide }, glue] = await Promise.all([imported(part.module), imported(part.glue)]);
  const python = await loadPyodide({
    indexURL: "https://book.invalid/",
    packageBaseUrl: "https://book.invalid/",
    lockFileContents: { info: JSON.parse(asText(part.lock)), packages: {} },
    createPyodideModule: glue.default,
  });
  python.unpackArchive(part.gupcore, "wheel");
  const space = python.toPy({ __name__: "run" });
  python.runPython(asText(part.run), { globals: space, filename: "run.py" });
  const runs = space.get("run");
  const tell = (...said) => self.postMessage(said);
  run = (text, above) => runs(text, python.toPy(above), tell);
  self.postMessage(["ready"]);
}

/** Answer requests for what is in memory, and no others. */
function withoutNetwork(files) {
  self.fetch = async (asked) => {
    const name = (asked instanceof Request ? asked.url : String(asked)).split("/").at(-1);
    if (!(name in files)) throw new TypeError("There is no network here.");
    const type = name.endsWith(".wasm") ? "application/wasm" : "application/zip";
    return new Response(files[name], { headers: { "content-type": type } });
  };
  delete self.XMLHttpRequest;
  delete self.WebSocket;
  delete self.EventSource;
  // Pyodide tells a classic worker by this function, and refuses it.
  Object.assign(self, {
    importScripts() {
      throw new TypeError("There is no network here.");
    },
  });
}

function withLessMemory() {
  const grow = WebAssembly.Memory.prototype.grow;
  WebAssembly.Memory.prototype.grow = function (pages) {
    if (this.buffer.byteLength + pages * 65536 > MOST) throw new RangeError("A cell may not take so much memory.");
    return grow.call(this, pages);
  };
}
