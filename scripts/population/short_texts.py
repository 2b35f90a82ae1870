"""Compares ways of training for short texts on the validation users of configs/en.toml, and the model of that config on tweets with
and without links, @names and #topics. Prints the tables of docs/model-card-en.md.

    make trainer && target/release/auxlstm train configs/en.toml
    python3 scripts/population/short_texts.py target/release/auxlstm

Needs NumPy, and the corpora and vectors of that config. Each way is that config, with one change:

  random    none: this is the run runs/en
  windows   training windows of 10 to 2,000 words
  even      batches with users of each corpus
  cut       half of the training bloggers have 1 to 100 pieces of at most 26 words in place of their posts
  dropped   training bloggers have a random part of their posts

The numbers of pieces and of posts are drawn uniformly in their logarithm, once for each user. Finished runs are not repeated.
"""

import argparse
import json
import math
import pathlib
import random
import re
import subprocess
import tomllib

import numpy as np

from study import area, cells, label, records, table

ROOT = pathlib.Path(__file__).parent.parent.parent
BLOGS = ["blogs", "blogs-other"]
SETTINGS = {
    "random": [],
    "windows": ["training.min_window_words=10", "training.window_words=2000"],
    "even": ['training.batches="even"'],
    "cut": [],
    "dropped": [],
}
# The texts that are measured: the corpora, and the first words of blogs or pieces of them.
LENGTHS = [10, 20, 50, 100, 200, 1000]
PIECES = [10, 100]
# Tweets of so many users of one gender are read as one text, and there are so many of these for each gender.
POOL, POOLS = 50, 200
# What tweets have and blogs hardly.
HABITS = {"links": r"<url>|https?://\S+", "@names": r"@\w+", "#topics": r"#\w+"}
# The probabilities that are predicted for the classes of an attribute, of age for its ranges.
PROBABILITIES = {
    "profession": lambda found: found["profession"]["probabilities"],
    "age": lambda found: found["age"]["coarse"]["probabilities"],
    "gender": lambda found: found["gender"]["probabilities"],
}


def write(path, users):
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text("".join(json.dumps(user, ensure_ascii=False) + "\n" for user in users), encoding="utf-8")
    return part.replace(path)


def some(draw, most):
    """A number from 1 to `most`, uniform in its logarithm."""
    return round(math.exp(draw.uniform(0, math.log(most))))


def pieces(draw, posts):
    """The posts in pieces of a tweet's length."""
    found = []
    for post in posts:
        words = post.split()
        while words:
            length = draw.randint(6, 26)
            found.append(" ".join(words[:length]))
            words = words[length:]
    return found


def cut(draw, posts):
    """The posts, or in half of the calls some pieces of them."""
    if draw.random() >= 0.5:
        return posts
    found = pieces(draw, posts)
    chosen = some(draw, min(100, max(1, len(found))))
    return [found[place] for place in sorted(draw.sample(range(len(found)), chosen))] if found else posts


def dropped(draw, posts):
    """Some of the posts, in their order."""
    chosen = some(draw, len(posts))
    return [posts[place] for place in sorted(draw.sample(range(len(posts)), chosen))]


def first_words(posts, count):
    """The posts up to the word of this number."""
    found = []
    for post in posts:
        words = post.split()[:count]
        count -= len(words)
        if words:
            found.append(" ".join(words))
    return found


class Study:
    def __init__(self, program, base, folder):
        self.program, self.folder, self.base = program, folder, base
        config = tomllib.loads((ROOT / "configs/en.toml").read_text(encoding="utf-8"))
        self.corpora = {pathlib.Path(path).name.removesuffix(".jsonl.xz"): pathlib.Path(path) for path in config["corpus"]}
        split = json.loads((base / "split.json").read_text(encoding="utf-8"))
        self.part = {
            part: {name: {str(user["id"]) for user in files[str(path)]} for name, path in self.corpora.items()}
            for part, files in split.items()
        }

    def model(self, way):
        """The bundle of a way, which is trained unless it is there."""
        if way == "random":
            return self.base / "model.safetensors"
        run = self.folder / way
        if not (run / "model.safetensors").exists():
            corpus = [str(self.training_corpus(way, name)) for name in self.corpora]
            changes = [f"corpus={json.dumps(corpus)}", *SETTINGS[way]]
            options = [option for change in changes for option in ("--set", change)]
            options += ["--resume"] if run.exists() else []
            subprocess.run([self.program, "train", ROOT / "configs/en.toml", "-o", run, *options], check=True)
        split = json.loads((run / "split.json").read_text(encoding="utf-8"))
        tested = {str(user["id"]) for users in split["validation"].values() for user in users}
        assert tested == set().union(*self.part["validation"].values()), "the split is another one"
        return run / "model.safetensors"

    def training_corpus(self, way, name):
        change = {"cut": (cut, 1), "dropped": (dropped, 2)}.get(way)
        if change is None or name not in BLOGS:
            return self.corpora[name]
        path = self.folder / "corpora" / way / f"{name}.jsonl"
        if not path.exists():
            change, seed = change
            draw, training = random.Random(seed), self.part["training"][name]
            users = records(self.corpora[name])
            write(path, [user | {"posts": change(draw, user["posts"])} if str(user["id"]) in training else user for user in users])
        return path

    def texts(self):
        """The validation users, by what is read of them."""
        validation = {
            name: [user for user in records(path) if str(user["id"]) in self.part["validation"][name]] for name, path in self.corpora.items()
        }
        bloggers = [user | {"id": f"{name}-{user['id']}"} for name in BLOGS for user in validation[name]]
        found = {"a tweet each": validation["tweets-gender"], "a blog post each": validation["blogposts-gender"]}
        draw = random.Random(5)
        shuffled = []
        for user in bloggers:
            shuffled.append(pieces(draw, user["posts"]))
            draw.shuffle(shuffled[-1])
        for count in PIECES:
            found[f"bloggers, {count} pieces"] = [user | {"posts": each[:count]} for user, each in zip(bloggers, shuffled)]
        for count in LENGTHS:
            found[f"bloggers, first {count:,} words"] = [user | {"posts": first_words(user["posts"], count)} for user in bloggers]
        return found | {"bloggers, whole texts": bloggers}

    def predictions(self, bundle, users):
        text = "".join(json.dumps(user) + "\n" for user in users)
        done = subprocess.run([self.program, "predict", bundle, "-"], input=text, capture_output=True, text=True, check=True)
        by_user = {str(line["id"]): line["predictions"] for line in map(json.loads, done.stdout.splitlines())}
        return [by_user.get(str(user["id"])) for user in users]


def log_loss(true, shares):
    """The mean over the classes of their mean log loss: the log loss under equal base rates, which the predictions have too."""
    losses = {}
    for label, share in zip(true, shares):
        losses.setdefault(label, []).append(-math.log(max(share[label], 1e-9)))
    return np.mean([np.mean(each) for each in losses.values()])


def paper_f(true, shares):
    """F (paper): 2PR/(P+R) of precision and recall averaged over the classes."""
    labels = [max(share, key=share.get) for share in shares]
    precisions, recalls = [], []
    for each in shares[0]:
        right = sum(a == b == each for a, b in zip(true, labels))
        precisions.append(right / max(1, labels.count(each)))
        recalls.append(right / max(1, true.count(each)))
    precision, recall = np.mean(precisions), np.mean(recalls)
    return 2 * precision * recall / (precision + recall)


def auc(true, shares):
    return area([(gender, share["female"]) for gender, share in zip(true, shares)])


def pools(users):
    """Users with the tweets of several users of one gender."""
    draw, found = random.Random(7), []
    for gender in ["female", "male"]:
        posts = [user["posts"] for user in users if user["gender"] == gender]
        for _ in range(POOLS):
            found.append({"id": f"pool-{len(found)}", "gender": gender, "posts": sum(draw.sample(posts, POOL), [])})
    return found


def habits(study, bundle, tweets):
    """Prints the predicted gender on tweets with each habit, on tweets without any, on all tweets after a habit was removed, and on
    the tweets of several users with a habit."""

    def predicted(users):
        return [(user["gender"], each and each["gender"]["probabilities"]) for user, each in zip(users, study.predictions(bundle, users))]

    def row(kind, pairs):
        true, shares = map(list, zip(*(pair for pair in pairs if pair[1])))
        women, scores = true.count("female") / len(true), np.array([share["female"] for share in shares])
        return [kind, len(true), f"{women:.0%}", f"{scores.mean():.0%}", f"{np.mean(scores > 0.5):.0%}", *cells([auc(true, shares)])]

    everyone = predicted(tweets)
    has = {name: [bool(re.search(pattern, " ".join(user["posts"]))) for user in tweets] for name, pattern in HABITS.items()}
    has["none of these"] = [not any(each) for each in zip(*has.values())]
    rows = [row("all", everyone)]
    rows += [row(f"with {name}", [pair for pair, is_one in zip(everyone, chosen) if is_one]) for name, chosen in has.items()]
    for name, pattern in HABITS.items():
        without = [user | {"posts": [re.sub(pattern, " ", post) for post in user["posts"]]} for user in tweets]
        rows.append(row(f"all, without their {name}", predicted(without)))
    rows.append(row(f"{POOL} of all", predicted(pools(tweets))))
    for name in HABITS:
        rows.append(row(f"{POOL} with {name}", predicted(pools([user for user, is_one in zip(tweets, has[name]) if is_one]))))
    table(["tweets", "users", "women", "mean probability of a woman", "labelled women", "AUC"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=pathlib.Path, help="auxlstm")
    parser.add_argument("--base", type=pathlib.Path, default=pathlib.Path("runs/en"), help="the run of configs/en.toml")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("runs/short-texts"))
    parser.add_argument("--ways", nargs="+", default=list(SETTINGS), choices=SETTINGS)
    arguments = parser.parse_args()
    study = Study(arguments.program, arguments.base, arguments.output)
    models = {way: study.model(way) for way in arguments.ways}
    texts = study.texts()
    habits(study, study.model("random"), texts["a tweet each"])
    rows = {}
    for text, users in texts.items():
        for model in models.values():
            found = study.predictions(model, users)
            for attribute, shares in PROBABILITIES.items():
                pairs = [(label(user, attribute), shares(each)) for user, each in zip(users, found) if each]
                pairs = [(true, share) for true, share in pairs if true in share]
                if not pairs:
                    continue
                true, predicted = map(list, zip(*pairs))
                rows.setdefault((text, f"{attribute}, log loss"), []).append(log_loss(true, predicted))
                rows.setdefault((text, f"{attribute}, F (paper)"), []).append(paper_f(true, predicted))
                if attribute == "gender":
                    rows.setdefault((text, "gender, AUC"), []).append(auc(true, predicted))
    table(["text", "figure", *models], [[*row, *cells(values)] for row, values in rows.items()])


if __name__ == "__main__":
    main()
