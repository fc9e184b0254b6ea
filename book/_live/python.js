// The page's Python: fetched in pieces on the first click, run in a worker, one cell at a time.

const AT_ONCE = 2; // pieces that are fetched: each that has come is a bit of progress to be seen
const FORBIDDEN =
  "This page may start no Python here. Run “make serve” in the book's repository, and open the address it prints.";
const PARTS = ["module", "glue", "lock", "wasm", "library", "gupcore", "run"];

export class Python {
  /**
   * live  where the pieces of the runtime put themselves as their scripts run
   * page  what the page knows: `pieces` are [[name of the script, its bytes], ...]
   */
  constructor(live, page) {
    this.live = live;
    this.pieces = page.pieces;
    /** @type {(sentence: string) => void} in the cell that was touched last */
    this.say = () => {};
    this.worker = null;
    this.script = ""; // the address of the worker's script
    this.ready = false;
    this.job = null; // the run that waits or is under way
  }

  /** Load and start Python, if that is not done or under way; a load that broke goes on where it ended. */
  prepare(say) {
    if (this.ready) return;
    this.say = say;
    this.tellWait();
    this.coming ??= this.load().then(
      () => this.start(),
      () => {
        this.coming = null;
        this.end(`The load broke off after ${this.soFar()}. Press Run to go on.`);
      },
    );
  }

  /** Run a cell; `told` says what becomes of it, see `start` in editor.js. */
  run(text, above, limit, told) {
    if (this.job) {
      told.ends("Another cell of this page is running: stop it first.");
      return;
    }
    this.job = { text, above, limit, told };
    this.say = told.says;
    if (this.ready) this.begin();
    else this.prepare(told.says);
  }

  /** End the run that waits or is under way: that is to end its Python, and to start a new one. */
  stop(sentence) {
    if (this.job?.timer) this.start();
    this.end(sentence);
  }

  /** Load the pieces that are missing. */
  async load() {
    const missing = this.pieces.filter((piece) => !this.isHere(piece));
    const next = async () => {
      for (let piece = missing.shift(); piece; piece = missing.shift()) {
        await this.live.script(piece[0]);
        if (!this.isHere(piece)) throw new Error(`${piece[0]} is not what it should be.`);
        this.tellWait();
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, next));
    if (ends.some(({ status }) => status === "rejected")) throw new Error("A piece could not be loaded.");
  }

  isHere([name]) {
    return name in this.live.pieces;
  }

  /** How much has come: "3.1 of 10.7 MB". */
  soFar() {
    const megabytes = (pieces) => (pieces.reduce((sum, [, bytes]) => sum + bytes, 0) / 1e6).toFixed(1);
    return `${megabytes(this.pieces.filter((piece) => this.isHere(piece)))} of ${megabytes(this.pieces)} MB`;
  }

  tellWait() {
    const isHere = this.pieces.every((piece) => this.isHere(piece));
    this.say(isHere ? "Starting Python …" : `Loading Python: ${this.soFar()} …`);
  }

  /** Return a part of the runtime, put together of its pieces. */
  part(kind) {
    const names = this.pieces.map(([name]) => name).filter((name) => name.startsWith(`${kind}-`));
    return names.map((name) => this.live.pieces[name]).join("");
  }

  /** Start Python in a new worker, in the place of the one there was. */
  start() {
    this.worker?.terminate();
    this.ready = false;
    this.tellWait();
    let worker;
    try {
      worker = new Worker(this.address());
    } catch {
      this.coming = null;
      this.end(FORBIDDEN);
      return;
    }
    this.worker = worker;
    worker.addEventListener("message", ({ data }) => worker === this.worker && this.hear(...data));
    worker.addEventListener("error", ({ message }) => worker === this.worker && this.broke(message));
    worker.postMessage(Object.fromEntries(PARTS.map((kind) => [kind, this.part(kind)])));
  }

  /** Return the address of the worker's script, which unpacks all other parts. */
  address() {
    this.script ||= URL.createObjectURL(new Blob([atob(this.part("worker"))], { type: "text/javascript" }));
    return this.script;
  }

  begin() {
    const { text, above, limit, told } = this.job;
    const sentence = `Stopped: here a run may take ${limit} seconds; in JupyterLab it may take longer.`;
    this.job.began = performance.now();
    this.job.timer = setTimeout(() => this.stop(sentence), limit * 1000);
    told.begins();
    this.worker.postMessage({ text, above });
  }

  hear(kind, text, more) {
    if (kind === "ready") {
      this.ready = true;
      if (this.job) this.begin();
      else this.say("Python is ready.");
    } else if (kind === "fatal") {
      this.broke(text);
    } else if (kind === "broken") {
      this.start();
      this.end("Ended.");
    } else if (kind === "done") {
      const seconds = (performance.now() - this.job.began) / 1000;
      this.end(`Ran in ${seconds.toFixed(seconds < 1 ? 2 : 1)} s.`);
    } else if (kind === "judged") {
      if (text === "right") this.job.told.solved();
    } else if (kind === "states") {
      this.say(`Searching: ${text} states found, ${more} to look at.`);
    } else {
      this.job.told.shows(kind, text, more);
    }
  }

  /** Python itself has ended: the next run has a new one. */
  broke(why) {
    this.worker.terminate();
    this.ready = false;
    this.coming = null;
    this.end(`Python broke down: ${why.slice(0, 200)} The next run begins anew.`);
  }

  end(sentence) {
    const { job } = this;
    this.job = null;
    clearTimeout(job?.timer);
    if (job) job.told.ends(sentence);
    else this.say(sentence);
  }
}
