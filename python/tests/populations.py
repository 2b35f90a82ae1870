"""Users for the tests of shares of classes, and what the command line estimates of them."""

import json
import random
import subprocess

import pytest

METHODS = ["cc", "pcc", "acc", "pacc", "emq", "bayes"]
WORDS = """and baby boss client code coffee day dinner essay exam football game happy homework husband kids love math meeting
mom music office rain school server song tea teacher test wife work""".split()


def make_users(count=240, seed=3):
    """Users of three forums, some of no forum, and some without a word that the model knows."""
    draw = random.Random(seed)

    def posts():
        return [" ".join(draw.choices(WORDS, k=draw.randint(2, 12))) for _ in range(draw.randint(1, 4))]

    return [
        {
            "id": number,
            "forum": draw.choice(["north", "south", "west", None]),
            "posts": ["🎉"] if number % 40 == 0 else posts(),
        }
        for number in range(count)
    ]


def shuffled_posts(users, seed=4):
    """Rows of user, place of the post, forum and text, in random order."""
    rows = [
        (user["id"], place, user["forum"], post) for user in users for place, post in enumerate(user["posts"])
    ]
    random.Random(seed).shuffle(rows)
    return rows


def estimates_of_command(command, bundle, users, folder, by=()):
    """The objects of `auxlstm population --json` for each method."""
    (folder / "users.jsonl").write_text("".join(json.dumps(user) + "\n" for user in users))
    (folder / "none.jsonl").touch()

    def run(*arguments):
        subprocess.run([command, "population", bundle, *arguments], check=True, capture_output=True, cwd=folder)

    run("users.jsonl", "--sums", "sums", *by)
    found = {}
    for method in METHODS:
        run("none.jsonl", "--add", "sums", "--method", method, "--json", "shares.json", *by)
        found[method] = json.loads((folder / "shares.json").read_text())
    return found


def check_equal(found, wanted):
    """Checks that two estimates are equal but for the order in which sums were added.

    The intervals of `emq` are of resampled users, whose order depends on hashes of their keys, which the command line takes
    with the name of the file.
    """
    found, wanted = flat(found), flat(wanted)
    assert found.keys() == wanted.keys()
    is_resampled = "emq" in wanted.values()
    for place, value in wanted.items():
        if isinstance(value, float):
            # Resampled in the order of the users, which depends on how they were divided.
            if is_resampled and place[-1] in ("low", "high"):
                continue
            value = pytest.approx(value, rel=1e-6, abs=1e-6)
        assert found[place] == value, place


def flat(value, path=()):
    """The numbers and texts in nested objects and lists, each by its path."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return {path: value}
    return {place: leaf for key, inner in items for place, leaf in flat(inner, (*path, key)).items()}
