"""Writes model-core/src/text/traditional.txt: traditional characters, each followed by its simplified form.

    pip download --no-deps opencc-python-reimplemented==0.1.7
    unzip -p opencc_python_reimplemented-0.1.7-*.whl opencc/dictionary/TSCharacters.txt | python3 scripts/traditional.py

The pairs are OpenCC's (Apache-2.0, https://github.com/BYVoid/OpenCC), in the order of code points. Of several simplified
forms the first one is used, which is the most frequent. Characters outside the basic plane, rare in posts, are left out.
"""

import pathlib
import sys

pairs = {}
for line in sys.stdin:
    traditional, simplified = line.rstrip("\n").split("\t")
    simplified = simplified.split(" ")[0]
    in_plane = all(len(character.encode()) == 3 for character in (traditional, simplified))
    if in_plane and simplified != traditional:
        pairs[traditional] = simplified
path = pathlib.Path(__file__).parent.parent / "model-core/src/text/traditional.txt"
path.write_text("".join(traditional + pairs[traditional] for traditional in sorted(pairs)), encoding="utf-8")
print(f"{len(pairs)} characters")
