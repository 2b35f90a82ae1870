"""Draws F (paper) over the share of labels for docs/paper/joint.md, from the tables of the report.

    pip install matplotlib==3.11.2
    python3 scripts/joint_figure.py docs/paper/joint-report.md docs/pictures/joint.svg
"""

import re
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import NullLocator  # noqa: E402

SHARES = [0.05, 0.1, 0.2, 0.5, 1.0]
# The name of a system in the report, without the list of its attributes, and its looks.
SYSTEMS = {
    "SVM": ("#b3541e", "--"),
    "Meta-Learning": ("#b3541e", "-"),
    "LSTM": ("#1f5fa8", "--"),
    "Aux-LSTM": ("#1f5fa8", "-"),
}
# System, whatever its attributes; share of the labels; F (paper) after macro-F1, and its deviation.
ROW = re.compile(r"\| ([\w-]+)(?: \(\w+(?:\+\w+){2}\))?(?:, labels=([\d.]+))? +\| +[\d.]+ ± [\d.]+ \| +([\d.]+) ± ([\d.]+) \|")


def figures(report):
    """F and its deviation by attribute, system and share of the labels, of the systems that are drawn."""
    found, attribute = {}, None
    for line in report.splitlines():
        if line.startswith("### "):
            attribute = line[4:]
        elif (row := ROW.match(line)) and row[1] in SYSTEMS:
            system, share, f, deviation = row.groups()
            found.setdefault(attribute, {}).setdefault(system, {})[float(share or 1)] = float(f), float(deviation)
    return found


def main():
    report, picture = sys.argv[1:]
    found = figures(open(report, encoding="utf-8").read())
    # The same bytes each time, with text as text.
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "auxlstm", "font.size": 10})
    figure, axes = plt.subplots(1, len(found), figsize=(3.2 * len(found), 3.2), squeeze=False)
    for axis, (attribute, systems) in zip(axes[0], found.items()):
        for shift, (system, (colour, style)) in enumerate(SYSTEMS.items()):
            shares, points = zip(*sorted(systems[system].items()))
            f, deviations = zip(*points)
            # Side by side, so that no bar hides another.
            places = [share * 1.03 ** (shift - 1.5) for share in shares]
            axis.errorbar(places, f, yerr=deviations, color=colour, linestyle=style, marker="o", markersize=4, capsize=3, label=system)
        axis.set_xscale("log")
        axis.set_xticks(SHARES, [f"{share:.0%}" for share in SHARES])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set(title=attribute, xlabel=f"labels of {attribute.lower()}")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("F (paper)")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="lower center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0.09, 1, 1))
    figure.patch.set_facecolor("white")
    figure.savefig(picture, metadata={"Date": None})


if __name__ == "__main__":
    main()
