"""In one page of headless Chromium: our CPU worker, through the widget's JavaScript interface, beside onnxruntime-web with one
thread and SIMD. And on WebGPU's software adapter, the fused LSTM beside the reference body."""

import contextlib
import functools
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading

import numpy as np
from selenium import webdriver

import predict
from common import ROOT, Program, machine, medians, read_users, row, same

ORT = "1.30.0"
JIEBA = "2.4.0"
# On WebGPU: the number of posts, and a limit of workgroups that is too low for the fused LSTM, so that the reference body runs.
POSTS, WORKGROUPS = 64, 63

# Our program caches the projections of words, so each turn needs new texts.
TURNS = 24
GPU_CASE = f"{POSTS} posts of about 20 words"


def run(bench, tools, runs, corpus):
    with site() as folder:
        (folder / "ort").symlink_to(onnxruntime_web(tools))
        tensors, settings = predict.bundle()
        (folder / "network.onnx").write_bytes(predict.network(tensors, len(settings["attributes"])))
        program = Program(bench)
        cases = {name: [texts(program, users) for users in turns] for name, turns in chosen(corpus).items()}
        (folder / "cases.json").write_text(json.dumps(cases))
        with opened(folder, "index.html") as (ask, where):
            return rows(ask, where, cases, settings, runs)


@contextlib.contextmanager
def site():
    """A folder with the benchmark's pages and the built widget."""
    dist = ROOT / "dist"
    if not (dist / "widget" / "index.js").exists():
        raise SystemExit(f"{dist} holds no built page: run `make page` first")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for file in (ROOT / "scripts" / "bench" / "browser").iterdir():
            shutil.copy(file, folder)
        (folder / "dist").symlink_to(dist)
        yield folder


@contextlib.contextmanager
def opened(folder, page):
    """Opens a page of the folder. Yields a function that calls the page, and a description of the machine and the browser."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = chromium()

    def ask(*call):
        """Calls a function of the page and returns its result."""
        script = "const end = arguments[arguments.length - 1]; (async () => {"
        script += "while (!window.bench) await new Promise((next) => setTimeout(next, 50));"
        script += "const [name, ...rest] = arguments[0]; return window.bench[name](...rest); })()"
        script += ".then((value) => end({ value }), (error) => end({ error: String(error?.message ?? error) }))"
        answer = browser.execute_async_script(script, list(call))
        if "error" in answer:
            raise SystemExit(f"{call}: {answer['error']}")
        return answer["value"]

    try:
        browser.get(f"http://127.0.0.1:{server.server_port}/{page}")
        yield ask, f"{machine(1)}, Chromium {browser.capabilities['browserVersion'].split('.')[0]}"
    finally:
        browser.quit()
        server.shutdown()


def rows(ask, where, cases, settings, runs):
    made = []
    for case, turns in cases.items():
        if case == GPU_CASE:
            continue
        lengths = np.array(turns[0]["lengths"])
        found = shares(ask("ours", case)["predictions"], settings)
        for task, logits in enumerate(ask("theirs", case)["logits"]):
            logits = np.array(logits).reshape(len(lengths), -1)
            same(case, found[task], predict.probabilities(settings, task, logits, lengths))
        systems = {system: lambda system=system: ask(system, case)["ms"] for system in ("ours", "theirs")}
        median = medians(systems, runs, warm_up=0)
        name = f"CPU, {case}"
        made.append(row(name, median["ours"], "onnxruntime-web, wasm", ORT, median["theirs"], where))
    fused, readable = (ask("gpu", limit, GPU_CASE) for limit in (None, WORKGROUPS))
    for ours, theirs in zip(shares(fused["predictions"], settings), shares(readable["predictions"], settings)):
        same("WebGPU", ours, theirs)
    counts = f"{fused['dispatches']} dispatches, reference {readable['dispatches']}"
    name = f"WebGPU on SwiftShader, {GPU_CASE}: {counts}"
    made.append(row(name, fused["ms"], "our reference LSTM", "of the same version", readable["ms"], where))
    return made


def shares(predictions, settings):
    """The probabilities of each attribute, [users, classes]."""
    return [
        np.array([[of["predictions"][a["name"]]["probabilities"][c] for c in a["classes"]] for of in predictions])
        for a in settings["attributes"]
    ]


def chosen(corpus):
    """Texts of users with at least 200 words (separated by spaces), different ones for each turn."""
    users = (" ".join(user["posts"]) for user in read_users(corpus))
    users = [text for _, text in zip(range(64 * TURNS), (text for text in users if len(text.split()) >= 200))]
    head = lambda text, words: [" ".join(text.split()[:words])]
    return {
        "one post of 140 characters": [[[text[:140]]] for text in users[:TURNS]],
        "64 users of about 200 words": [[head(text, 200) for text in users[64 * k :][:64]] for k in range(TURNS)],
        GPU_CASE: [[head(text, 20) for text in users[:POSTS]]],
    }


def texts(program, users):
    """Users with the word ids that our text pipeline gives them, [steps, users] as one list."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        posts = folder / "users.jsonl"
        posts.write_text("".join(json.dumps({"posts": posts}) + "\n" for posts in users))
        program.ask({"segment": {"bundle": str(predict.BUNDLE), "corpus": str(posts), "folder": name}})
        ids, lengths = (np.fromfile(folder / file, np.int32) for file in ("ids", "lengths"))
    padded = np.zeros((lengths.max(), len(lengths)), np.int32)
    for column, text in enumerate(np.split(ids, np.cumsum(lengths)[:-1])):
        padded[: len(text), column] = text
    return {"users": users, "ids": padded.reshape(-1).tolist(), "lengths": lengths.tolist()}


def onnxruntime_web(tools):
    """The folder of onnxruntime-web's programs."""
    return from_npm(tools) / "onnxruntime-web" / "dist"


def jieba_wasm(tools):
    """The folder of jieba-wasm's program."""
    return from_npm(tools) / "jieba-wasm" / "pkg" / "web"


def from_npm(tools):
    """Installs the peers from npm if they are missing, and returns their folder."""
    folder, wanted = pathlib.Path(tools) / "node_modules", {"onnxruntime-web": ORT, "jieba-wasm": JIEBA}
    packages = {name: folder / name / "package.json" for name in wanted}
    if any(not path.exists() or json.loads(path.read_text())["version"] != wanted[name] for name, path in packages.items()):
        if not shutil.which("npm"):
            raise SystemExit(f"npm is missing, which brings {' and '.join(wanted)}: install Node.js and run this again")
        # In one call: npm removes packages that it is not given.
        names = [f"{name}@{version}" for name, version in wanted.items()]
        subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", str(tools), *names], check=True)
    return folder


def chromium():
    options = webdriver.ChromeOptions()
    options.binary_location = next(path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name)))
    flags = ["headless=new", "no-sandbox", "disable-dev-shm-usage", "no-first-run", "disable-background-networking"]
    for flag in [*flags, "enable-unsafe-webgpu", "use-webgpu-adapter=swiftshader"]:
        options.add_argument(f"--{flag}")
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    browser.set_script_timeout(1200)
    return browser


class Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript", ".wasm": "application/wasm"}

    def log_message(self, *_):
        pass
