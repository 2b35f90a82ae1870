"""In one page of headless Chromium: our segmentation, through the widget's JavaScript interface, beside jieba-wasm."""

import functools
import json

from browser import JIEBA, jieba_wasm, opened, site
from chinese import alike, chinese, named, read_posts
from common import BUNDLE, Program, medians, row


def run(bench, tools, runs):
    posts = read_posts()
    texts = {"chinese": chinese(posts), "posts": posts}
    with site() as folder:
        (folder / "jieba").symlink_to(jieba_wasm(tools))
        (folder / "texts.json").write_text(json.dumps(texts))
        # The interface loads the dictionary only for a model that needs it.
        Program(bench).ask({"chinese": {"bundle": str(BUNDLE), "made": str(folder / "chinese.safetensors")}})
        with opened(folder, "chinese.html") as (ask, where):
            count = alike(*(ask("words", system, "chinese") for system in ("ours", "theirs")), "jieba-wasm")
            made = []
            for kind, lines in texts.items():
                median = medians({system: functools.partial(ask, "ms", system, kind) for system in ("ours", "theirs")}, runs, warm_up=0)
                made.append(row(named(kind, lines, median["ours"], count), median["ours"], "jieba-wasm", JIEBA, median["theirs"], where))
    return made
