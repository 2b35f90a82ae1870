"""Measures calibration by length, estimated shares and their limits on users that a model was not trained on, and prints the tables
of docs/population.md and docs/model-card-en.md as Markdown.

    python3 scripts/population/study.py auxlstm runs/en/model.safetensors runs/en/split.json data --only lengths drawn

The model is a tested one, not a refit, and the split is that of its run. `data` holds blogs.jsonl.xz, blogs-other.jsonl.xz,
blogposts-gender.jsonl.xz and tweets-gender.jsonl.xz. With a model of two languages, --dictionary is needed, and `weibo` reads
weibo-gender.jsonl.xz. The cases:

  lengths  calibration, macro-F1 and accuracy of the test users' first words, under equal and under the corpus's base rates, and
           how far the probability of the label can be trusted
  kinds    the area under the ROC curve (AUC) of gender on single tweets and blog posts, and on bloggers' first words
  forums   the example: two made-up forums with 300 test users a month, first 1,000 words
  drawn    sets of 300 test users with 10, 30, 50 and 80 % students: the estimates of all methods
  prevalences  sets of test users at all prevalences: the error and the coverage of all methods
  shifts   test users of one age range or industry, and users of other corpora: estimates against the truth
  check    how often the check of texts calls sets of 50, 100 and 300 users unlike the training users
  adapt    other corpora before and after `auxlstm adapt` with 200 labelled users, and its learning curve
  groups   errors by group and length of text, for docs/ethics.md
  weibo    the gender of the test users of Weibo
"""

import argparse
import bisect
import json
import lzma
import pathlib
import random
import statistics
import subprocess
import sys

LENGTHS = [5, 10, 20, 50, 100, 200, 1000, None]
METHODS = ["cc", "pcc", "acc", "pacc", "emq", "bayes"]
AGE_RANGES = {"13-17": range(13, 18), "23-27": range(23, 28), "33-48": range(33, 49)}
DRAWS = 5
SETS = [50, 100, 300]
# The sizes of the sets at all prevalences, and how many sets of each.
PREVALENCES = {100: 40, 500: 20, 2000: 5}


def records(path):
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def label(user, attribute):
    """The class of a user, or the coarse class of age; None if unknown."""
    if attribute != "age":
        return user.get(attribute)
    age = user.get("age")
    return next((name for name, ages in AGE_RANGES.items() if age in ages), None)


def shares(users, attribute, classes):
    """The true share of each class among the users whose class is known; None if too few are."""
    known = [label(user, attribute) for user in users]
    known = [each for each in known if each in classes]
    return {each: known.count(each) / len(known) for each in classes} if len(known) > 0.9 * len(users) else None


def words_of(length):
    return "all" if length is None else f"{length:,}"


def cells(values, digits=3):
    return [f"{value:.{digits}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{digits}f}" for value in values]


def percent(share):
    return f"{100 * share:.0f}"


def table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print(flush=True)


class Study:
    def __init__(self, arguments):
        self.program, self.model, self.data, self.folder = arguments.program, arguments.model, arguments.data, arguments.output
        self.folder.mkdir(parents=True, exist_ok=True)
        self.dictionary = ["--dictionary", arguments.dictionary] if arguments.dictionary else []
        self.split = json.loads(arguments.split.read_text(encoding="utf-8"))["test"]
        self.users = self.test_users("blogs")

    def test_users(self, corpus):
        keys = next(keys for path, keys in self.split.items() if pathlib.Path(path).name == f"{corpus}.jsonl.xz")
        ids = {key.get("id") for key in keys}
        return [user for user in self.corpus(corpus) if user.get("id") in ids]

    def unseen(self, corpus):
        """The users of a corpus that the model has not learned from: its test users, or all if the split does not have it."""
        is_learned = any(pathlib.Path(path).name == f"{corpus}.jsonl.xz" for path in self.split)
        return self.test_users(corpus) if is_learned else self.corpus(corpus)

    def corpus(self, name):
        return records(self.data / f"{name}.jsonl.xz")

    def write(self, name, users):
        path = self.folder / name
        path.write_text("".join(json.dumps(user) + "\n" for user in users), encoding="utf-8")
        return path

    def run(self, *command):
        done = subprocess.run([self.program, *map(str, command)], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}: {done.stderr}")
        return done.stdout

    def evaluate(self, path, words, base_rates):
        figures = self.folder / "figures.json"
        limit = [] if words is None else ["--max-words", words]
        command = ["evaluate", self.model, path, "--base-rates", base_rates, "--json", figures, *limit, *self.dictionary]
        self.run(*command)
        return {each["attribute"]: each for each in json.loads(figures.read_text())["attributes"]}

    def estimate(self, sets, words, methods=("bayes",), model=None):
        """For each method, the estimate of each named set of users. The users are predicted once."""
        users = [user | {"set": name} for name, users in sets.items() for user in users]
        limit = [] if words is None else ["--max-words", words]
        figures, sums, path = self.folder / "estimates.json", self.folder / "sums.json", self.write("sets.jsonl", users)
        source, found = [path, "--sums", sums], {}
        for method in methods:
            command = ["population", model or self.model, *source, "--by", "set", "--method", method, "--json", figures]
            self.run(*command, *limit, *self.dictionary)
            found[method] = {each["group"]: each for each in json.loads(figures.read_text())}
            source = [self.write("none.jsonl", []), "--add", sums]
        return found


def level(estimate, attribute):
    """The estimated shares of the classes, or of the coarse classes if there are any."""
    found = estimate["attributes"][attribute]
    return found.get("coarse") or found["shares"]


def text(share):
    """A share in percent with its interval."""
    return f"{percent(share['share'])} ({percent(share['low'])}–{percent(share['high'])})"


def holds(share, truth):
    return share["low"] <= truth <= share["high"]


def accuracy_and_confidence(figures):
    """The accuracy of the most probable class, and its mean probability, under the corpus's base rates."""
    bins = figures["reliability"]
    users = sum(each["users"] for each in bins)
    return [sum(each["users"] * each[name] for each in bins) / users for name in ("accuracy", "confidence")]


def above(figures, threshold):
    """How many users' labels have at least this probability, and the accuracy of these labels."""
    found = min(figures["coverage"], key=lambda each: abs(each["threshold"] - threshold))
    users = round(found["coverage"] * figures["users"])
    return "{:,} ({})".format(users, *cells([found["accuracy"]])) if users else "none"


def lengths(study):
    path = study.write("test.jsonl", study.users)
    calibration, confidence, labels = [], [], {"equal": [], "corpus": []}
    confident = {rates: [] for rates in labels}
    for words in LENGTHS:
        for rates, rows in labels.items():
            found = study.evaluate(path, words, rates)
            scores = ("{} ({})".format(*cells([each["macro_f1"], each["accuracy"]])) for each in found.values())
            rows.append([words_of(words), *scores])
            confident[rates].append([words_of(words), *(above(figures, 0.8) for figures in found.values())])
        # Calibration is measured under the corpus's base rates in both cases.
        means = ("{} / {}".format(*cells(accuracy_and_confidence(figures))) for figures in found.values())
        confidence.append([words_of(words), *means])
        row = [words_of(words)]
        for figures in found.values():
            support = [each["support"] for each in figures["classes"]]
            true = [each / sum(support) for each in support]
            largest = max(abs(p - share) for p, share in zip(figures["mean_probabilities"], true))
            row.append("{} / {}".format(*cells([figures["calibration_error"], largest])))
        calibration.append(row)
    print("### Calibration error / largest difference between a class's mean probability and its share\n")
    table(["words", *found], calibration)
    print("### Accuracy / mean probability of the most probable class, corpus base rates\n")
    table(["words", *found], confidence)
    for rates, rows in labels.items():
        print(f"### Macro-F1 (accuracy), {rates} base rates\n")
        table(["words", *found], rows)
        print(f"### Labels with a probability of at least .8: users (accuracy), {rates} base rates\n")
        table(["words", *found], confident[rates])


def area(scores):
    """The probability that a random woman has a higher score than a random man; half for equal scores."""
    men = sorted(score for gender, score in scores if gender == "male")
    women = [score for gender, score in scores if gender == "female"]
    return sum(bisect.bisect_left(men, score) + bisect.bisect_right(men, score) for score in women) / (2 * len(women) * len(men))


def kinds(study):
    sets = {name: study.unseen(name) for name in ("tweets-gender", "blogposts-gender", "blogs")}
    cases = [("tweets-gender", None), ("blogposts-gender", None), *(("blogs", words) for words in LENGTHS)]
    rows = []
    draw = random.Random(8)
    for name, words in cases:
        users = [user for user in sets[name] if user["gender"] in ("female", "male")]
        first = [{"id": user["id"], "text": " ".join(" ".join(user["posts"]).split()[:words])} for user in users]
        lines = study.run("predict", study.model, study.write("kinds.jsonl", first), *study.dictionary).splitlines()
        predicted = [json.loads(line) for line in lines]
        scores = [
            (user["gender"], found["predictions"]["gender"]["probabilities"]["female"])
            for user, found in zip(users, predicted, strict=True)
        ]
        areas = sorted(area(draw.choices(scores, k=len(scores))) for _ in range(1000))
        median = statistics.median(found["words"] for found in predicted)
        row = [name, words_of(words), len(users), f"{median:.0f}", "{} ({}–{})".format(*cells([area(scores), areas[24], areas[974]]))]
        rows.append(row)
    table(["users of", "first words", "users", "median of the words read", "AUC (95 % interval)"], rows)


def with_students(study, share, draw):
    """300 test users, so many percent of them students."""
    students = [user for user in study.users if user["profession"] == "Student"]
    others = [user for user in study.users if user["profession"] != "Student"]
    return draw.sample(students, 3 * share) + draw.sample(others, 300 - 3 * share)


def forums(study):
    draw = random.Random(7)
    plan = {"north": {"2024-05": 30, "2024-06": 45, "2024-07": 60}, "south": {"2024-05": 50, "2024-06": 50, "2024-07": 50}}
    rows = []
    for forum, months in plan.items():
        sets = {month: with_students(study, share, draw) for month, share in months.items()}
        found = study.estimate(sets, 1000, ("cc", "bayes"))
        for month, share in months.items():
            counted, estimated = (level(found[method][month], "profession")["Student"] for method in ("cc", "bayes"))
            shares = [f"{100 * each:.1f} %" for each in (counted["share"], estimated["share"], estimated["low"], estimated["high"])]
            rows.append([forum, month, f"{share} %", *shares[:2], "–".join(shares[2:])])
    table(["forum", "month", "students", "counted", "estimate", "interval"], rows)


def drawn(study):
    draw = random.Random(1)
    sets = {f"{share} {each}": with_students(study, share, draw) for share in (10, 30, 50, 80) for each in range(DRAWS)}
    rows = []
    for words in (20, 200, None):
        found = study.estimate(sets, words, METHODS)
        for share in (10, 30, 50, 80):
            row = [words_of(words), f"{share} %"]
            for method in METHODS:
                estimates = [level(found[method][f"{share} {each}"], "profession")["Student"] for each in range(DRAWS)]
                mean = statistics.mean(each["share"] for each in estimates)
                row.append(f"{percent(mean)} ({sum(holds(each, share / 100) for each in estimates)})")
            rows.append(row)
    print(f"### Estimated share of students in percent, mean of {DRAWS} sets (in how many the interval holds the truth)\n")
    table(["words", "truth", *METHODS], rows)


def class_of(user, attribute):
    """The class of a user, also for age."""
    if attribute != "age":
        return label(user, attribute)
    return str(user["age"]) if user["age"] < 28 else "33+"


def prevalences(study):
    """Mean absolute error of a class's share, and how many of the intervals hold the truth. Shares are drawn uniformly from all
    possible ones, users of a class with replacement."""
    draw = random.Random(6)
    kinds = {"profession": class_of, "age": class_of, "age range": label, "gender": class_of}
    rows = []
    for kind, of in kinds.items():
        attribute = kind.split()[0]
        of_class = {}
        for user in study.users:
            of_class.setdefault(of(user, attribute), []).append(user)
        of_class.pop(None, None)
        for size, draws in PREVALENCES.items():
            sets, true = {}, {}
            for each in map(str, range(draws)):
                weights = [draw.expovariate(1) for _ in of_class]
                classes = draw.choices(list(of_class), weights, k=size)
                true[each] = {name: classes.count(name) / size for name in of_class}
                members = (draw.choice(of_class[name]) for name in classes)
                sets[each] = [user | {"id": f"{each}-{number}"} for number, user in enumerate(members)]
            for words in (20, 200, 1000):
                row = [kind, words_of(words), f"{size:,}"]
                for method, found in study.estimate(sets, words, METHODS).items():
                    pairs = []
                    for each, shares in true.items():
                        estimates = found[each]["attributes"][attribute]
                        estimates = estimates["coarse" if kind == "age range" else "shares"]
                        pairs += [(estimates[name], share) for name, share in shares.items()]
                    error = statistics.mean(abs(estimate["share"] - share) for estimate, share in pairs)
                    coverage = statistics.mean(holds(estimate, share) for estimate, share in pairs)
                    row.append("{} ({})".format(*cells([error]), *cells([coverage], 2)))
                rows.append(row)
    table(["attribute", "words", "users", *METHODS], rows)


def shifts(study):
    sets = {f"age {name}": [user for user in study.users if user["age"] in ages] for name, ages in AGE_RANGES.items()}
    industries = sorted({user["industry"] for user in study.users})
    for industry in industries:
        of_industry = [user for user in study.users if user["industry"] == industry]
        if len(of_industry) >= 40:
            sets[industry] = of_industry
    draw = random.Random(2)
    sets["blogs-other"] = draw.sample(study.unseen("blogs-other"), 1000)
    sets["blogposts-gender"] = study.unseen("blogposts-gender")
    sets["tweets-gender"] = study.unseen("tweets-gender")
    rows = []
    for words in (200, None):
        found = study.estimate(sets, words)["bayes"]
        for name, users in sets.items():
            check = found[name]["texts"][0]
            for attribute in ("profession", "age", "gender"):
                estimates = level(found[name], attribute)
                true = shares(users, attribute, estimates)
                if true is None:
                    continue
                error = {each: abs(share["share"] - true[each]) for each, share in estimates.items()}
                worst = max(error, key=error.get)
                share = estimates[worst]
                held = sum(holds(share, true[each]) for each, share in estimates.items())
                rows.append([
                    words_of(words), name, len(users), f"{check['divergence']['value']:.3f}{' unlike' if check['unlike'] else ''}",
                    attribute, *cells([statistics.mean(error.values())]), f"{held} of {len(true)}",
                    f"{worst}: {percent(true[worst])} → {text(share)}",
                ])
    header = ["words", "set", "users", "divergence", "attribute", "mean error", "intervals", "largest error: truth → estimate"]
    table(header, rows)


def alarms(study, sources, draws):
    """For each source of users, how many random sets are called unlike the training users, by words and size."""
    rows = []
    draw = random.Random(3)
    for name, users in sources.items():
        if len(users) < min(SETS):
            continue
        for words in (20, 200, None):
            row = [name, words_of(words)]
            for size in SETS:
                if len(users) < size:
                    row.append("–")
                    continue
                sets = {str(each): draw.sample(users, size) for each in range(draws)}
                found = study.estimate(sets, words)["bayes"]
                checks = [each["texts"][0] for each in found.values()]
                mean = statistics.mean(check["divergence"]["value"] for check in checks)
                row.append(f"{sum(check['unlike'] for check in checks)} of {draws} ({mean:.3f})")
            rows.append(row)
    table(["sets of", "words", *(f"{size} users" for size in SETS)], rows)


def check(study):
    print("### Sets called unlike (mean divergence)\n")
    alarms(study, {"test bloggers": study.users}, 20)
    of = lambda attribute, value: [user for user in study.users if label(user, attribute) == value]
    one_class = {name: of("age", name) for name in AGE_RANGES} | {gender: of("gender", gender) for gender in ("female", "male")}
    one_class |= {name: of("profession", name) for name in sorted({user["profession"] for user in study.users})}
    alarms(study, one_class, 3)
    names = ["blogs-other", "blogposts-gender", "tweets-gender"]
    alarms(study, {name: study.unseen(name) for name in names}, 5)


def adapt(study):
    for name in ("tweets-gender", "blogposts-gender"):
        users = [user for user in study.unseen(name) if user["gender"] in ("female", "male")]
        random.Random(5).shuffle(users)
        many, few = study.write("many.jsonl", users[:2000]), study.write("few.jsonl", users[:200])
        print(f"### {name}: learning curve\n")
        print(study.run("adapt", study.model, many, "-o", study.folder / "many.safetensors", *study.dictionary))
        adapted = study.folder / f"{name}.safetensors"
        print("### 200 labelled users\n")
        print(study.run("adapt", study.model, few, "-o", adapted, *study.dictionary))
        women = [user for user in users[200:] if user["gender"] == "female"]
        men = [user for user in users[200:] if user["gender"] == "male"]
        size = min(800, 5 * min(len(women), len(men)) // 4)
        sets = {str(share): women[: size * share // 100] + men[: size - size * share // 100] for share in (20, 50, 80)}
        rows = []
        for model in (study.model, adapted):
            for share, estimate in study.estimate(sets, None, model=model)["bayes"].items():
                found, texts = level(estimate, "gender")["female"], estimate["texts"][0]
                rows.append([
                    "before" if model == study.model else "after", f"{share} %",
                    text(found), texts["unlike"],
                ])
        table(["model", "women", "estimate", "unlike"], rows)


def groups(study):
    """Accuracy and errors by group. A confident error is a wrong label with which the model does not abstain."""
    kinds = {
        "profession": lambda user: label(user, "profession"),
        "age range": lambda user: label(user, "age"),
        "gender": lambda user: user.get("gender"),
    }
    for words in (20, 200, None):
        first = lambda user: {"id": user["id"], "text": " ".join(" ".join(user["posts"]).split()[:words])}
        path = study.write("test.jsonl", [first(user) for user in study.users])
        lines = study.run("predict", study.model, path, *study.dictionary).splitlines()
        predicted = [json.loads(line)["predictions"] for line in lines]
        rows = []
        for kind, group_of in kinds.items():
            for group in sorted({group_of(user) for user in study.users} - {None}):
                members = [
                    (user, found) for user, found in zip(study.users, predicted, strict=True) if group_of(user) == group
                ]
                row = [kind, group, len(members)]
                for attribute in ("profession", "age", "gender"):
                    found = [(label(user, attribute), of[attribute].get("coarse") or of[attribute]) for user, of in members]
                    found = [(truth, each) for truth, each in found if truth is not None]
                    right = [each["label"] == truth for truth, each in found]
                    wrong = [each["confident"] and not is_right for (_, each), is_right in zip(found, right, strict=True)]
                    row.append("{} / {}".format(*cells([statistics.mean(right), statistics.mean(wrong)])))
                rows.append(row)
        print(f"### {words_of(words)} words: accuracy / share of confident errors\n")
        table(["", "group", "users", "profession", "age range", "gender"], rows)


def weibo(study):
    users = [user for user in study.test_users("weibo-gender") if user["gender"] in ("female", "male")]
    rows = []
    for words in (20, 200, None):
        estimate = study.estimate({"weibo": users}, words)["bayes"]["weibo"]
        share = level(estimate, "gender")["female"]
        check = next(each for each in estimate["texts"] if each["language"] == "zh")
        true = shares(users, "gender", ["female", "male"])["female"]
        rows.append([
            words_of(words), len(users), f"{percent(true)} → {text(share)}",
            f"{check['divergence']['value']:.3f}", check["unlike"],
        ])
    table(["words", "users", "women: truth → estimate", "divergence", "unlike"], rows)


CASES = {case.__name__: case for case in (lengths, kinds, forums, drawn, prevalences, shifts, check, adapt, groups, weibo)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="auxlstm")
    parser.add_argument("model", type=pathlib.Path, help="the tested model")
    parser.add_argument("split", type=pathlib.Path, help="split.json of its run")
    parser.add_argument("data", type=pathlib.Path, help="the folder of the corpora")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("runs/population"))
    parser.add_argument("--dictionary", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=[case for case in CASES if case != "weibo"])
    arguments = parser.parse_args()
    study = Study(arguments)
    for case in arguments.only:
        print(f"## {case}\n", flush=True)
        CASES[case](study)


if __name__ == "__main__":
    main()
