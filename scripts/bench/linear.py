"""Linear classifiers on one core: ours, LIBLINEAR and scikit-learn, on TF-IDF features of real users."""

import pathlib
import tempfile
import time

import numpy as np
import scipy.sparse
import sklearn
from liblinear.liblinear import liblinear, parameter, problem, toPyModel
from scipy.special import logsumexp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from common import Program, machine, medians, one_core, read_users, row

LIBLINEAR = "2.50.0"
USERS, WORDS = 2500, 5000
# Our objective may exceed the peer's by at most this share of it.
TOLERANCE = 1e-4


def read(corpus):
    """TF-IDF rows of the first USERS users, the same with a constant feature, and the users' classes by attribute."""
    users = [user for _, user in zip(range(USERS), read_users(corpus))]
    texts = (" ".join(" ".join(user["posts"]).split()[:WORDS]) for user in users)
    rows = TfidfVectorizer(sublinear_tf=True, min_df=3, dtype=np.float32).fit_transform(texts).tocsr()
    rows.sort_indices()
    # We and LIBLINEAR add the constant feature ourselves; scikit-learn and the check of the objective need it here.
    augmented = scipy.sparse.hstack([rows, np.ones((len(users), 1))]).tocsr().astype(np.float64)
    return rows, augmented, {name: np.unique([user[name] for user in users], return_inverse=True)[1] for name in ("gender", "profession")}


def objective(learner, weights, augmented, classes):
    """The objective with C = 1. `weights` has one row per class; with two classes, one row, for class 1."""
    scores = augmented @ weights.T
    penalty = (weights**2).sum() / 2
    if learner == "maximum entropy":
        return penalty + (logsumexp(scores, axis=1) - scores[np.arange(len(classes)), classes]).sum()
    own = classes[:, None] == (1 if len(weights) == 1 else np.arange(len(weights)))
    margins = np.where(own, 1, -1) * scores
    losses = np.maximum(0, 1 - margins) ** 2 if learner == "linear SVM" else np.logaddexp(0, -margins)
    return penalty + losses.sum()


class Ours:
    def __init__(self, program, folder, columns, learner, classes):
        settings = {"support_vector_machine": {"tolerance": 0.1}} if learner == "linear SVM" else {"logistic_regression": {}}
        count = int(classes.max()) + 1
        self.program, self.folder, self.outputs = program, folder, 1 if count == 2 else count
        self.request = {"linear": {"folder": str(folder), "columns": columns, "classes": count, "learner": settings}}

    def ms(self):
        return self.program.ask(self.request)["ms"]

    def weights(self):
        weights, biases = (np.fromfile(self.folder / name, np.float32).reshape(-1, self.outputs) for name in ("weights", "biases"))
        return np.concatenate([weights, biases]).T.astype(np.float64)


class Liblinear:
    def __init__(self, solver, rows, classes):
        # With two classes, LIBLINEAR takes the first one to occur as the positive one.
        order = np.argsort(classes != 1, kind="stable")
        self.problem = problem(classes[order], rows[order].astype(np.float64), bias=1)
        self.parameter = parameter(f"-s {solver} -e 0.1 -B 1 -q")
        self.problem.set_bias(1)

    def ms(self):
        start = time.perf_counter()
        self.model = liblinear.train(self.problem, self.parameter)
        return (time.perf_counter() - start) * 1e3

    def weights(self):
        model = toPyModel(self.model)
        outputs = 1 if model.nr_class == 2 else model.nr_class
        weights = np.ctypeslib.as_array(model.w, (model.nr_feature + 1, outputs)).T
        return weights.copy() if outputs == 1 else weights[np.argsort(model.get_labels())]


class ScikitLearn:
    def __init__(self, augmented, classes):
        self.augmented, self.classes = augmented, classes

    def ms(self):
        start = time.perf_counter()
        self.model = LogisticRegression(fit_intercept=False, max_iter=1000).fit(self.augmented, self.classes)
        return (time.perf_counter() - start) * 1e3

    def weights(self):
        return self.model.coef_


def run(bench, runs, corpus):
    with one_core():
        return run_here(Program(bench), runs, corpus)


def run_here(program, runs, corpus):
    rows, augmented, attributes = read(corpus)
    made = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for part, values in {"starts": rows.indptr, "indices": rows.indices}.items():
            values.astype(np.int32).tofile(folder / part)
        rows.data.tofile(folder / "values")
        for learner, attribute in [("linear SVM", "gender"), ("linear SVM", "profession"), ("logistic regression", "gender"), ("maximum entropy", "profession")]:
            classes = attributes[attribute]
            classes.astype(np.int32).tofile(folder / "classes")
            ours = Ours(program, folder, rows.shape[1], learner, classes)
            if learner == "maximum entropy":
                peer, version, theirs = "scikit-learn, lbfgs", sklearn.__version__, ScikitLearn(augmented, classes)
            else:
                solver = {"linear SVM": 1, "logistic regression": 7}[learner]
                peer, version, theirs = f"LIBLINEAR -s {solver}", LIBLINEAR, Liblinear(solver, rows, classes)
            found = []
            for system in (ours, theirs):
                system.ms()
                found.append(objective(learner, system.weights(), augmented, classes))
            if not found[0] < found[1] * (1 + TOLERANCE):
                raise SystemExit(f"{learner}, {attribute}: our objective is {found[0]}, that of {peer} {found[1]}")
            median = medians({"ours": ours.ms, "theirs": theirs.ms}, runs, slow=["theirs"] if learner == "maximum entropy" else ())
            case = (
                f"{learner}, {attribute} ({classes.max() + 1} classes), {len(classes):,} users, {rows.shape[1]:,} words, "
                f"{rows.nnz:,} non-zero features; objective: ours {found[0]:.2f}, peer {found[1]:.2f}"
            )
            made.append(row(case, median["ours"], peer, version, median["theirs"], machine(1)))
    return made
