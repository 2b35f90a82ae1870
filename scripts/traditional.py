"""Writes the tables of traditional Chinese in model-core/src/text/.

    pip download --no-deps opencc-python-reimplemented==0.1.7
    unzip opencc_python_reimplemented-0.1.7-*.whl 'opencc/dictionary/TS*.txt'
    python3 scripts/traditional.py opencc/dictionary

traditional.txt has traditional characters, each followed by its simplified form, in the order of code points.
phrases.txt has words in which a character has another form than in traditional.txt, each followed by a tab and its form.

The data are OpenCC's (Apache-2.0, https://github.com/BYVoid/OpenCC), with WORDS and KEEP. Phrases that are no words of the
Chinese dictionary are left out: they are rare, and would be found by mistake where two words meet. Of several simplified forms the first one
is used, which is the most frequent. Characters outside the basic plane, rare in posts, are left out.
"""

import gzip
import pathlib
import sys

# Words that keep a character which is mostly another: 著 is above all the particle 着 in traditional text, 乾 is 干, 祇 is 只.
KEEP = """著名 著作 著稱 著述 著錄 著書立說 顯著 專著 土著 名著 論著 卓著 合著 巨著 鉅著 編著 譯著 原著 遺著 昭著 撰著 新著 拙著
康乾 乾嘉 乾清宮 神祇 地祇 祇園"""
# Words that OpenCC has in other dictionaries, or that the Chinese dictionary lacks.
WORDS = {
    "企畫": "企划",
    "規畫": "规划",
    "策畫": "策划",
    "瞭若": "了若",
    "重畫": "重画",
    "明瞭": "明了",
    "甚麼": "什么",
}


def read(path):
    """The pairs of a dictionary, with the first of several forms."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines)
    return {traditional: forms.split(" ")[0] for traditional, forms in pairs}


def in_plane(text):
    return all(len(character.encode()) == 3 for character in text)


def simplified(text, characters, phrases):
    """The form of a text: at each place the longest phrase, or else the character."""
    form = ""
    while len(form) < len(text):
        rest = text[len(form) :]
        longest = max((phrase for phrase in phrases if rest.startswith(phrase)), key=len, default=None)
        form += phrases[longest] if longest else characters.get(rest[0], rest[0])
    return form


folder = pathlib.Path(sys.argv[1])
characters = {
    traditional: form
    for traditional, form in read(folder / "TSCharacters.txt").items()
    if in_plane(traditional + form) and form != traditional
}
characters |= {"著": "着", "祇": "只"}
root = pathlib.Path(__file__).parent.parent
with gzip.open(root / "public/dictionary/zh.txt.gz", "rt", encoding="utf-8") as lines:
    words = {line.split(" ")[0] for line in lines}
wanted = {phrase: form for phrase, form in read(folder / "TSPhrases.txt").items() if form in words} | WORDS
for word in KEEP.split():
    form = "".join(letter if letter in "著乾祇" else characters.get(letter, letter) for letter in word)
    wanted |= {word: form, form: form}
phrases = {}
for phrase in sorted(wanted, key=lambda phrase: (len(phrase), phrase)):
    form = wanted[phrase]
    # A phrase is left out where shorter ones have its form.
    if len(phrase) == len(form) and in_plane(phrase + form) and simplified(phrase, characters, phrases) != form:
        phrases[phrase] = form

tables = root / "model-core/src/text"
pairs = "".join(traditional + characters[traditional] for traditional in sorted(characters))
(tables / "traditional.txt").write_text(pairs, encoding="utf-8")
lines = "".join(f"{phrase}\t{phrases[phrase]}\n" for phrase in sorted(phrases))
(tables / "phrases.txt").write_text(lines, encoding="utf-8")
print(f"{len(characters)} characters, {len(phrases)} phrases")
