"""Draws the times of the first prediction and of one post in the browser for docs/benchmarks.md, from docs/benchmarks.json.

    pip install matplotlib==3.11.2
    python3 scripts/browser_figure.py docs/benchmarks.json docs/pictures/browser.svg
"""

import json
import sys

from drawing import plt, save

# Titles, the part of the benchmarks, the start of its case, and the goal as a share of the peer's time.
PANELS = [
    ("first visit, until the first prediction", "load", "first visit", 0.5),
    ("second visit, until the first prediction", "load", "second visit", None),
    ("one post of 140 characters", "browser", "CPU, one post", 0.3),
]
COLOURS = ["#1f5fa8", "#b3541e"]


def main():
    source, picture = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        rows = json.load(file)
    figure, axes = plt.subplots(len(PANELS), 1, figsize=(7, 4.2))
    for axis, (title, part, start, goal) in zip(axes, PANELS):
        row = next(row for row in rows if row["part"] == part and row["case"].startswith(start))
        times = [row["ours_ms"], row["peer_ms"]]
        bars = axis.barh(["ours", "onnxruntime-web"], times, color=COLOURS, height=0.6)
        axis.bar_label(bars, [f"{time:,.4g} ms" if time < 1000 else f"{time / 1000:.1f} s" for time in times], padding=4)
        if goal:
            axis.axvline(goal * times[1], color="black", linestyle="--", linewidth=1)
            axis.set_title(f"dashed line: goal, {goal}× onnxruntime-web", loc="right", fontsize=9)
        axis.invert_yaxis()
        axis.set_title(title, loc="left", fontsize=10)
        axis.set_xlim(0, max(times) * 1.15)
        axis.set_xticks([])
        axis.spines[["top", "right", "bottom"]].set_visible(False)
    save(figure, picture)


if __name__ == "__main__":
    main()
