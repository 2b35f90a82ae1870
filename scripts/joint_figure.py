"""Draws F (paper) and accuracy over the share of labels for docs/paper/joint.md, from the tables of the report.

    pip install matplotlib==3.11.2
    python3 scripts/joint_figure.py docs/paper/joint-report.md docs/pictures/joint.svg
"""

import re
import sys

from matplotlib.ticker import NullLocator

from drawing import plt, save

SHARES = [0.05, 0.1, 0.2, 0.5, 1.0]
# The name of a system in the report, without the list of its attributes, and its looks.
SYSTEMS = {
    "SVM": ("#b3541e", "--"),
    "Meta-Learning": ("#b3541e", "-"),
    "LSTM": ("#1f5fa8", "--"),
    "Aux-LSTM": ("#1f5fa8", "-"),
}
FIGURES = ["F (paper)", "accuracy"]
# System, whatever its attributes, and share of the labels; then macro-F1, F (paper), a mark, P, R and accuracy.
FIGURE = r" +([\d.]+) ± ([\d.]+) \|"
ROW = re.compile(
    r"\| ([\w-]+)(?: \(\w+(?:\+\w+){2}\))?(?:, labels=([\d.]+))? +\|[^|]*\|" + FIGURE + r"[^|]*\|[^|]*\|[^|]*\|" + FIGURE
)


def figures(report):
    """Figures and their deviations by attribute, system and share of the labels, of the systems that are drawn."""
    found, attribute = {}, None
    for line in report.splitlines():
        if line.startswith("### "):
            attribute = line[4:]
        elif (row := ROW.match(line)) and row[1] in SYSTEMS:
            system, share, *numbers = row.groups()
            f, f_deviation, accuracy, accuracy_deviation = map(float, numbers)
            points = (f, f_deviation), (accuracy, accuracy_deviation)
            found.setdefault(attribute, {}).setdefault(system, {})[float(share or 1)] = points
    # Without attributes that were measured with all labels only.
    return {attribute: systems for attribute, systems in found.items() if len(systems["SVM"]) > 1}


def main():
    report, picture = sys.argv[1:]
    found = figures(open(report, encoding="utf-8").read())
    figure, axes = plt.subplots(len(FIGURES), len(found), figsize=(3.2 * len(found), 5.6), squeeze=False, sharex="col")
    for column, (attribute, systems) in enumerate(found.items()):
        for row, axis in enumerate(axes[:, column]):
            for shift, (system, (colour, style)) in enumerate(SYSTEMS.items()):
                shares = sorted(systems[system])
                means, deviations = zip(*(systems[system][share][row] for share in shares))
                # Side by side, so that no bar hides another.
                places = [share * 1.03 ** (shift - 1.5) for share in shares]
                looks = {"color": colour, "linestyle": style, "marker": "o", "markersize": 4, "capsize": 3}
                axis.errorbar(places, means, yerr=deviations, label=system, **looks)
            axis.set_xscale("log")
            axis.set_xticks(SHARES, [f"{share:.0%}" for share in SHARES])
            axis.xaxis.set_minor_locator(NullLocator())
            axis.spines[["top", "right"]].set_visible(False)
        axes[0, column].set_title(attribute)
        axes[-1, column].set_xlabel(f"labels of {attribute.lower()}")
    for name, axis in zip(FIGURES, axes[:, 0]):
        axis.set_ylabel(name)
    save(figure, picture, axes[0, 0], height=0.05)


if __name__ == "__main__":
    main()
