"""The Python package on one core beside others that predict attributes of users: m3inference's text model, and scikit-learn's
TF-IDF with linear SVMs.

The published weights of m3inference are not needed: random ones of the same sizes take the same time.
"""

import builtins
import time
import warnings

import sklearn
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

import auxlstm
from common import BUNDLE, machine, medians, one_core, read_users, row

# Its modules take this name from a module of PyTorch that no longer exports it.
builtins.torch = torch
from m3inference import M3Inference  # noqa: E402
from m3inference.consts import DES_LEN  # noqa: E402
from m3inference.text_model import M3InferenceTextModel  # noqa: E402

M3 = "1.1.5"
BIOGRAPHIES, M3_BATCH = 256, 128
LEARNED_FROM, USERS, MAX_WORDS = 3000, 200, 30_000
# The classes of our model.
LABELS = (
    lambda user: user["profession"],
    lambda user: str(user["age"]) if user["age"] < 33 else "33+",
    lambda user: user["gender"],
)


def run(runs, corpus):
    with one_core():
        torch.set_num_threads(1)
        users = [user for _, user in zip(range(LEARNED_FROM + USERS), read_users(corpus))]
        model = auxlstm.Model.load(BUNDLE, threads=1)
        return [beside_m3(model, users, runs), beside_svm(model, users, runs)]


def timed(call, argument):
    start = time.perf_counter()
    call(argument)
    return (time.perf_counter() - start) * 1e3


def made_row(what, users, median, peer, version):
    ours, theirs = (f"{users / median[side] * 1e3:,.0f}" for side in ("ours", "theirs"))
    case = f"{what}; users/s: ours {ours}, peer {theirs}"
    return row(case, median["ours"], peer, version, median["theirs"], machine(1))


def beside_m3(model, users, runs):
    """The beginnings of posts take the place of biographies, all that m3inference reads besides the names."""
    posts = (post[:DES_LEN] for user in users for post in user["posts"] if len(post) >= DES_LEN)
    biographies = [post for _, post in zip(range(BIOGRAPHIES), posts)]
    m3 = M3Inference(pretrained=False, use_full_model=False, use_cuda=False, skip_logging=True)
    m3.model = M3InferenceTextModel(device="cpu").eval()
    profiles = [
        {"id": str(number), "name": "Robin Miller", "screen_name": "robin_miller", "description": text, "lang": "en"}
        for number, text in enumerate(biographies)
    ]

    def infer(profiles):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return m3.infer(profiles, batch_size=M3_BATCH, num_workers=0)

    if len(infer(profiles)) != len(model.predict(biographies)):
        raise SystemExit("m3inference: not every user has a prediction")
    median = medians({"ours": lambda: timed(model.predict, biographies), "theirs": lambda: timed(infer, profiles)}, runs)
    what = f"{BIOGRAPHIES} users of {DES_LEN} characters"
    return made_row(what, BIOGRAPHIES, median, "m3inference's text model", M3)


def beside_svm(model, users, runs):
    """One TF-IDF vectorizer as that of scripts/svm.py, and an SVM for each attribute."""
    def text(user):
        return " ".join(" ".join(user["posts"]).split()[:MAX_WORDS])

    learned_from, others = users[:LEARNED_FROM], users[LEARNED_FROM:]
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=3)
    rows = vectorizer.fit_transform(map(text, learned_from))
    labels = [list(map(label, learned_from)) for label in LABELS]
    classifiers = [LinearSVC(class_weight="balanced").fit(rows, of_attribute) for of_attribute in labels]

    def classify(users):
        rows = vectorizer.transform(map(text, users))
        return [classifier.predict(rows) for classifier in classifiers]

    posts = [user["posts"] for user in others]
    median = medians({"ours": lambda: timed(model.predict, posts), "theirs": lambda: timed(classify, others)}, runs)
    words = sum(user.words for user in model.predict(posts)) / len(posts)
    what = f"{len(posts)} users of {words:,.0f} words on average"
    return made_row(what, len(posts), median, f"TF-IDF of {rows.shape[1]:,} words and {len(classifiers)} linear SVMs, scikit-learn", sklearn.__version__)
