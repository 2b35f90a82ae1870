"""Draws the accuracy and the mean probability of the most probable class over the number of words, from the table of
docs/model-card-en.md.

    pip install matplotlib==3.11.2
    python3 scripts/confidence_figure.py docs/model-card-en.md docs/pictures/confidence.svg
"""

import re
import sys

from matplotlib.ticker import NullLocator

from drawing import plt, save

ATTRIBUTES = ["profession", "age", "age range", "gender"]
HEADING = "| words read: accuracy / mean probability | " + " | ".join(ATTRIBUTES) + " |"


def rows(page):
    """The rows of the table: the words, then a pair of accuracy and mean probability for each attribute. Without whole texts."""
    table = page.split(HEADING)[1].split("\n\n")[0]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:])
    return [
        (int(words.replace(",", "")), [tuple(map(float, re.findall(r"[.\d]+", pair))) for pair in pairs])
        for words, *pairs in cells
        if words != "all"
    ]


def main():
    page, picture = sys.argv[1:]
    words, pairs = zip(*rows(open(page, encoding="utf-8").read()))
    figure, axes = plt.subplots(1, len(ATTRIBUTES), figsize=(11, 3), sharey=True)
    for axis, attribute, points in zip(axes, ATTRIBUTES, zip(*pairs)):
        accuracy, confidence = zip(*points)
        axis.plot(words, accuracy, "o-", markersize=4, color="#1f5fa8", label="accuracy")
        axis.plot(words, confidence, "o--", markersize=4, color="#b3541e", label="mean probability of the most probable class")
        axis.set_xscale("log")
        axis.set_xticks(words, [f"{each:,}" for each in words], rotation=60)
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set(title=attribute, xlabel="words", ylim=(0, 1))
        axis.spines[["top", "right"]].set_visible(False)
    save(figure, picture, axes[0])


if __name__ == "__main__":
    main()
