"""Draws the example of docs/population.md, two forums in three months, from the table there.

    pip install matplotlib==3.11.2
    python3 scripts/shares_figure.py docs/population.md docs/pictures/shares.svg
"""

import re
import sys

from drawing import plt, save

ROW = re.compile(r"\| (north|south) \| (\S+) \| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) %–([\d.]+) % \|")


def main():
    page, picture = sys.argv[1:]
    rows = ROW.findall(open(page, encoding="utf-8").read())
    figure, axes = plt.subplots(1, 2, figsize=(7, 2.8), sharey=True)
    for axis, forum in zip(axes, ("north", "south")):
        months, *numbers = zip(*(row[1:] for row in rows if row[0] == forum))
        truth, counted, estimate, low, high = (list(map(float, column)) for column in numbers)
        reach = [[e - l for e, l in zip(estimate, low)], [h - e for e, h in zip(estimate, high)]]
        places = range(len(months))
        axis.errorbar(places, estimate, yerr=reach, fmt="o", capsize=4, color="#1f5fa8", label="estimate, 95 % interval")
        axis.plot(places, counted, "x", color="#b3541e", label="counted labels")
        axis.plot(places, truth, "_", markersize=22, color="#333333", label="truth")
        axis.set_xticks(places, months)
        axis.set(title=forum, xlim=(-0.5, len(months) - 0.5), ylim=(0, 100))
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("students, %")
    save(figure, picture, axes[1])


if __name__ == "__main__":
    main()
