"""What the figures of the documentation have in common."""

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

# The same bytes each time, with text as text.
plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "auxlstm", "font.size": 10})


def save(figure, picture, labelled=None, height=0.09):
    """Writes a figure. With an axis, a legend of what is labelled in it takes this share of the figure's height, below the rest."""
    if labelled:
        handles, labels = labelled.get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=len(labels), frameon=False)
        figure.tight_layout(rect=(0, height, 1, 1))
    else:
        figure.tight_layout()
    figure.patch.set_facecolor("white")
    figure.savefig(picture, metadata={"Date": None})
