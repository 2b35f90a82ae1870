"""Chinese word segmentation on one core: our text pipeline, jieba and cppjieba, with the same dictionary."""

import functools
import gzip
import itertools
import json
import lzma
import pathlib
import re
import subprocess
import tempfile
import timeit

import cjieba
import jieba

from common import ROOT, WEIBO, Program, machine, medians, one_core, row

DICTIONARY = ROOT / "public" / "dictionary" / "zh.txt.gz"
POSTS = 10_000
# The least share of posts that must be segmented identically.
IDENTICAL = 0.95


def read_posts():
    """The first POSTS posts of the Weibo file."""
    with lzma.open(WEIBO, "rt", encoding="utf-8", newline="\n") as lines:
        return [line.rstrip("\r\n") for line in itertools.islice(lines, POSTS)]


def chinese(posts):
    """The runs of Chinese characters of each post, normalised and separated by spaces, so that our pipeline has nothing else to
    normalise or recognise."""
    pairs = (ROOT / "model-core" / "src" / "text" / "traditional.txt").read_text(encoding="utf-8")
    table = str.maketrans(pairs[::2], pairs[1::2])
    # The characters that jieba counts as Chinese.
    runs = re.compile("[\u4e00-\u9fd5]+")
    return [re.sub(r"(.)\1{3,}", r"\1\1\1", " ".join(runs.findall(post.translate(table)))) for post in posts]


def alike(ours, theirs, peer):
    """How many texts have the same words in both; spaces are not words."""
    theirs = [[word for word in words if word != " "] for words in theirs]
    if [*map("".join, ours)] != [*map("".join, theirs)]:
        raise SystemExit(f"{peer} drops other characters than we do")
    count = sum(map(list.__eq__, ours, theirs))
    if count < IDENTICAL * len(ours):
        raise SystemExit(f"{peer} segments only {count:,} of {len(ours):,} posts as we do")
    return count


def named(kind, lines, ours, count):
    """The name of a case. `ours` is our time in ms, `count` the number of posts that are segmented identically."""
    characters = sum(map(len, lines))
    figures = f"{characters:,} characters, ours {characters / ours / 1e3:.1f} million/s"
    if kind == "posts":
        return f"whole posts, {figures}"
    return f"Chinese only, {figures}; {count:,} of {len(lines):,} posts identical"


class Ours:
    def __init__(self, program, folder, dictionary):
        self.program, self.folder, self.dictionary = program, folder, dictionary

    def ms(self, posts):
        """The time to segment the posts of a file in the folder."""
        request = {"posts": str(self.folder / posts), "dictionary": str(self.dictionary), "words": str(self.folder / "words")}
        return self.program.ask({"words": request})["ms"]

    def words(self, posts):
        self.ms(posts)
        return read_words((self.folder / "words").read_text())


def read_words(lines):
    return [line.split(" ") if line else [] for line in lines.split("\n")[:-1]]


def segment_all(segment, texts):
    return [segment(text) for text in texts]


def ms(segment, texts):
    # timeit turns off Python's garbage collector, which would find nothing here.
    return timeit.timeit(lambda: segment_all(segment, texts), number=1) * 1e3


def load_jieba(folder, dictionary):
    """jieba's function from text to words; its hidden Markov model is on by default."""
    jieba.setLogLevel("WARNING")
    tokenizer = jieba.Tokenizer(str(dictionary))
    # The folder for its cache of the dictionary.
    tokenizer.tmp_dir = str(folder)
    tokenizer.initialize()
    return tokenizer.lcut


def load_cppjieba(folder, dictionary):
    """cppjieba's function from text to words. Its module only reads dictionaries by name from its own folder, so it gets another."""
    own = pathlib.Path(cjieba.CURR_PATH) / "dict"
    (folder / "dict").mkdir()
    for name in ("hmm_model.utf8", "idf.utf8", "stop_words.utf8"):
        (folder / "dict" / name).symlink_to(own / name)
    (folder / "dict" / "jieba.dict.utf8").symlink_to(dictionary)
    # Ours and jieba have no user dictionary either.
    (folder / "dict" / "user.dict.utf8").touch()
    cjieba.CURR_PATH = str(folder)
    cutter = cjieba.Jieba()
    cutter.initialize()
    return cutter.cut


def run(bench, auxlstm, runs):
    with one_core():
        return run_here(Program(bench), auxlstm, runs)


def run_here(program, auxlstm, runs):
    posts = read_posts()
    texts = {"chinese": chinese(posts), "posts": posts}
    made = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        dictionary = folder / "dictionary.txt"
        dictionary.write_bytes(gzip.decompress(DICTIONARY.read_bytes()))
        for kind, lines in texts.items():
            (folder / kind).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        ours = Ours(program, folder, dictionary)
        if ours.words("posts") != by_command(auxlstm, posts, folder):
            raise SystemExit("auxlstm segment gives other words than the pipeline that is timed")
        peers = {
            ("jieba", jieba.__version__): load_jieba(folder, dictionary),
            ("cppjieba, through cjieba", cjieba.__version__): load_cppjieba(folder, dictionary),
        }
        words = ours.words("chinese")
        counts = {peer: alike(words, segment_all(segment, texts["chinese"]), peer[0]) for peer, segment in peers.items()}
        for kind, lines in texts.items():
            systems = {"ours": functools.partial(ours.ms, kind)}
            systems |= {peer: functools.partial(ms, segment, lines) for peer, segment in peers.items()}
            median = medians(systems, runs, slow=list(peers)[:1])
            made += [row(named(kind, lines, median["ours"], counts[peer]), median["ours"], *peer, median[peer], machine(1)) for peer in peers]
    return made


def by_command(auxlstm, posts, folder):
    """The words that `auxlstm segment` prints for the posts."""
    (folder / "posts.jsonl").write_text(json.dumps({"posts": posts}) + "\n")
    command = [auxlstm, "segment", folder / "posts.jsonl", "--dictionary", DICTIONARY]
    return read_words(subprocess.run(command, stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout)
