"""The time from opening a page to its first prediction, and the times of the first and the hundredth prediction: a minimal page
of ours and one of onnxruntime-web with the same network, over a simulated line of 10 Mbit/s."""

import gzip
import http.server
import json
import pathlib
import statistics
import tempfile
import threading
import time

import numpy as np

import predict
from browser import ORT, chromium, onnxruntime_web, shares, texts
from common import ROOT, Program, machine, read_users, row, same

PREDICTIONS = 100
PIECE = 1 << 14


def run(bench, tools, runs, corpus):
    tensors, settings = predict.bundle()
    program = Program(bench)
    posts = (post[:140] for user in read_users(corpus) for post in user["posts"] if len(post) >= 140)
    cases = [texts(program, [[post]]) for _, post in zip(range(PREDICTIONS), posts)]
    files = {f"/{path.name}": path for path in (ROOT / "scripts" / "bench" / "load").iterdir()}
    files |= {f"/widget/{path.relative_to(ROOT / 'dist/widget')}": path for path in (ROOT / "dist/widget").rglob("*") if path.is_file()}
    files |= {f"/ort/{path.name}": path for path in onnxruntime_web(tools).iterdir() if path.is_file()}
    network = predict.network(tensors, len(settings["attributes"]), packed=True)
    made = {"/network.onnx": network, "/cases.json": json.dumps(cases).encode()}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: Line(files, made, *given))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = chromium()
    try:
        return rows(browser, f"http://127.0.0.1:{server.server_port}", cases, settings, runs)
    finally:
        browser.quit()
        server.shutdown()


def rows(browser, site, cases, settings, runs):
    def visit(system):
        """The page's times, and its prediction for the first case."""
        browser.get(f"{site}/{system}.html")
        deadline = time.monotonic() + 120
        while not (found := browser.execute_script("return window.found")):
            if time.monotonic() > deadline:
                raise SystemExit(f"{system}.html did not finish within 120 seconds")
            time.sleep(0.05)
        if "error" in found:
            raise SystemExit(f"{system}.html: {found['error']}")
        return found

    check(visit("ours")["says"], visit("theirs")["says"], cases[0], settings)
    taken = {"ours": [], "theirs": []}
    for _ in range(runs):
        for system, figures in taken.items():
            browser.get("about:blank")
            browser.execute_cdp_cmd("Network.clearBrowserCache", {})
            cold, warm = visit(system), visit(system)
            figures.append([cold["loaded"], warm["loaded"], warm["first"], warm["last"]])
    ours, theirs = ([statistics.median(column) for column in zip(*figures)] for figures in taken.values())
    where = f"{machine(1)}, Chromium {browser.capabilities['browserVersion'].split('.')[0]}"
    names = [
        "first visit, from opening the page to the first prediction",
        "second visit, from opening the page to the first prediction",
        "the first prediction alone, one post of 140 characters",
        "the 91st to 100th prediction, posts of 140 characters",
    ]
    return [row(name, our, "onnxruntime-web, wasm", ORT, their, where) for name, our, their in zip(names, ours, theirs)]


def check(ours, theirs, case, settings):
    lengths = np.array(case["lengths"])
    for task, found in enumerate(shares(ours, settings)):
        logits = np.array(theirs[task]).reshape(len(lengths), -1)
        same("a page's first prediction", found, predict.probabilities(settings, task, logits, lengths))


class Line(http.server.BaseHTTPRequestHandler):
    """Serves gzip-compressed, cacheable files over a slow line that all requests share."""

    packed = {}
    busy = threading.Lock()
    latency, bits_a_second = 0.04, 10e6
    kinds = {".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}

    def __init__(self, files, made, *given):
        self.files, self.made = files, made
        super().__init__(*given)

    def do_GET(self):
        if self.path not in self.packed:
            if self.path not in self.files and self.path not in self.made:
                return self.send_error(404)
            content = self.made[self.path] if self.path in self.made else self.files[self.path].read_bytes()
            self.packed[self.path] = gzip.compress(content, 9)
        content = self.packed[self.path]
        time.sleep(self.latency)
        self.send_response(200)
        self.send_header("content-type", self.kinds.get(pathlib.PurePath(self.path).suffix, "application/octet-stream"))
        self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(content)))
        self.send_header("cache-control", "max-age=3600")
        self.end_headers()
        for start in range(0, len(content), PIECE):
            piece = content[start : start + PIECE]
            with self.busy:
                time.sleep(len(piece) * 8 / self.bits_a_second)
            self.wfile.write(piece)

    def log_message(self, *_):
        pass
