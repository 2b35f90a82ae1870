"""Lighthouse's performance score of the built page and its components."""

import http.server
import json
import math
import pathlib
import statistics
import subprocess
import threading

from common import ROOT, THREADS, machine
from load import Line

# Lighthouse's audits and the columns for them.
PARTS = {
    "first-contentful-paint": "first contentful paint, ms",
    "largest-contentful-paint": "largest contentful paint, ms",
    "total-blocking-time": "total blocking time, ms",
    "speed-index": "speed index, ms",
    "cumulative-layout-shift": "cumulative layout shift",
}

# Mobile is Lighthouse's default and has no flag. Lighthouse computes how long a slow line and processor would have taken; with
# the last flag, the browser really is slowed down.
PRESETS = {"desktop": ["--preset=desktop"], "mobile": [], "mobile, applied throttling": ["--throttling-method=devtools"]}


def run(npm, runs):
    dist = ROOT / "dist"
    files = {f"/{path.relative_to(dist)}": path for path in dist.rglob("*") if path.is_file()}
    if "/index.html" not in files:
        raise SystemExit(f"{dist} contains no built page: run `make page` first")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: Direct(files, {}, *given))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/index.html"
    try:
        return [row(preset, [audit(npm, url, flags) for _ in range(runs)]) for preset, flags in PRESETS.items()]
    finally:
        server.shutdown()


class Direct(Line):
    """Without a slow line: Lighthouse simulates one, or slows the browser down."""

    packed = {}
    latency, bits_a_second = 0, math.inf
    kinds = Line.kinds | {".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml"}


def audit(npm, url, flags):
    """Lighthouse's report."""
    command = [pathlib.Path(npm) / "node_modules" / ".bin" / "lighthouse", url, "--output=json", "--quiet", "--only-categories=performance"]
    command += ["--chrome-flags=--headless=new --no-sandbox --disable-dev-shm-usage", *flags]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    if "runtimeError" in report:
        raise SystemExit(f"lighthouse: {report['runtimeError']}")
    failed = {name: each["errorMessage"] for name, each in report["audits"].items() if each["scoreDisplayMode"] == "error"}
    if failed:
        raise SystemExit(f"lighthouse: {failed}")
    return report


def row(preset, reports):
    """The medians of the reports, as a row of the table."""

    def median(value):
        return round(statistics.median(value(report) for report in reports), 3)

    made = {"preset": preset, "score": round(100 * median(lambda report: report["categories"]["performance"]["score"]))}
    for part, name in PARTS.items():
        value = median(lambda report: report["audits"][part]["numericValue"])
        made[name] = round(value) if name.endswith("ms") else value
    made["machine"] = f"{machine(THREADS)}, Lighthouse {reports[0]['lighthouseVersion']}"
    print(json.dumps(made), flush=True)
    return made
