"""Writes reference.json: invented texts and sequences, with scikit-learn's TF-IDF and numpy's patterns for them.

    python -m venv venv && venv/bin/pip install scikit-learn==1.9.1
    venv/bin/python make.py

Words and characters are counted by scikit-learn's own analysers, one post at a time: no term reaches over the end of a
post. Patterns of parts of speech are found by brute force from their definition (Mukherjee and Liu 2010): all
sequences are counted, and those kept that are frequent and whose fair SCP is high. `trainer/tests/features.rs` compares.
"""

import json
import pathlib

import numpy
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer

SYLLABLES = ["ba", "ko", "li", "mé", "nu", "ra", "ñi", "to", "u", "x"]
PARTS = ["ADJ", "ADP", "DET", "NOUN", "PRON", "VERB"]


def texts(random, users):
    """For each user some posts of words, the first of them the most frequent."""
    words = ["".join(random.choice(SYLLABLES, size=random.integers(1, 4))) for _ in range(60)]
    frequency = 1 / numpy.arange(1, len(words) + 1)
    frequency /= frequency.sum()
    return [
        [" ".join(random.choice(words, p=frequency, size=random.integers(1, 12))) for _ in range(random.integers(1, 5))]
        for _ in range(users)
    ]


def limit_without_ties(vectorizer, matrix, wanted):
    """A number of terms near `wanted` such that the last one kept is more frequent than the first one dropped."""
    totals = numpy.sort(numpy.asarray(matrix.sum(axis=0)).ravel())[::-1]
    return next(limit for limit in range(wanted, len(totals)) if totals[limit - 1] > totals[limit])


def tf_idf(training, others, unit, shortest, longest, min_users, max_terms, sublinear):
    analyzer = {"words": "word", "characters": "char", "characters-within-words": "char_wb"}[unit]
    options = {"analyzer": analyzer, "ngram_range": (shortest, longest), "lowercase": False}
    if unit == "words":
        options |= {"tokenizer": str.split, "token_pattern": None}
    of_post = TfidfVectorizer(**options).build_analyzer()
    of_user = lambda posts: [term for post in posts for term in of_post(post)]
    if max_terms:
        counts = TfidfVectorizer(analyzer=of_user, min_df=min_users, use_idf=False, norm=None)
        max_terms = limit_without_ties(counts, counts.fit_transform(training), max_terms)
    vectorizer = TfidfVectorizer(
        analyzer=of_user, min_df=min_users, max_features=max_terms or None, sublinear_tf=sublinear
    )
    vectorizer.fit(training)
    rows = vectorizer.transform(training + others)
    rows.sort_indices()
    return {
        "settings": {
            "unit": unit,
            "shortest": shortest,
            "longest": longest,
            "min_users": min_users,
            "max_terms": max_terms,
            "sublinear": sublinear,
        },
        "terms": vectorizer.get_feature_names_out().tolist(),
        "rows": [[[int(column), round(float(value), 7)] for column, value in zip(row.indices, row.data)] for row in rows],
    }


def windows(posts, length):
    return [tuple(post[start : start + length]) for post in posts for start in range(len(post) - length + 1)]


def patterns(random, users, min_support, min_adherence, longest):
    steps = random.dirichlet(numpy.full(len(PARTS), 0.4), size=len(PARTS))
    sequences = []
    for _ in range(users):
        posts = []
        for _ in range(random.integers(1, 4)):
            post = [int(random.integers(len(PARTS)))]
            while len(post) < random.integers(2, 15):
                post.append(int(random.choice(len(PARTS), p=steps[post[-1]])))
            posts.append([PARTS[part] for part in post])
        sequences.append(posts)
    share = {}
    for length in range(1, longest + 1):
        for sequence in {sequence for posts in sequences for sequence in windows(posts, length)}:
            share[sequence] = numpy.mean([sequence in windows(posts, length) for posts in sequences])

    def fair_scp(sequence):
        return share[sequence] ** 2 / numpy.mean([share[sequence[:at]] * share[sequence[at:]] for at in range(1, len(sequence))])

    kept = [
        sequence
        for sequence in sorted(share, key=lambda sequence: (len(sequence), sequence))
        if share[sequence] >= min_support and (len(sequence) == 1 or fair_scp(sequence) >= min_adherence)
    ]
    frequencies = [
        [windows(posts, len(pattern)).count(pattern) / max(1, len(windows(posts, len(pattern)))) for pattern in kept]
        for posts in sequences
    ]
    frequencies = numpy.array(frequencies)
    unit = lambda rows: (rows / numpy.linalg.norm(rows, axis=1, keepdims=True)).round(7).tolist()
    return {
        "settings": {"min_support": min_support, "min_adherence": min_adherence, "longest": longest},
        "users": sequences,
        "frequent": sum(bool(value >= min_support) for value in share.values()),
        "patterns": [list(pattern) for pattern in kept],
        "boolean": unit((frequencies > 0).astype(float)),
        "frequency": unit(frequencies),
    }


def main():
    random = numpy.random.default_rng(23)
    users = texts(random, 12)
    training, others = users[:9], users[9:]
    reference = {
        "scikit-learn": sklearn.__version__,
        "training": training,
        "others": others,
        "tf_idf": [
            tf_idf(training, others, "words", 1, 1, 2, 0, True),
            tf_idf(training, others, "words", 1, 2, 1, 12, False),
            tf_idf(training, others, "words", 2, 3, 2, 0, True),
            tf_idf(training, others, "characters", 2, 4, 5, 0, True),
            tf_idf(training, others, "characters-within-words", 1, 5, 4, 60, False),
        ],
        "patterns": [patterns(random, 12, 0.25, 0.3, 4), patterns(random, 7, 0.3, 0.0, 3)],
    }
    out = pathlib.Path(__file__).with_name("reference.json")
    out.write_text(json.dumps(reference, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
