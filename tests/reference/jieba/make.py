"""Writes expected.json: how jieba segments the Chinese of some sentences.

    pip install jieba==0.42.1
    python make.py

Only words with a Chinese character are kept: our code segments Latin letters, digits and punctuation by other
rules. `model-core/tests/segmentation.rs` compares the words with ours.
"""

import json
import pathlib
import unicodedata

import jieba

SENTENCES = [
    "南京市长江大桥明天上午封闭，请绕行。",
    "我昨天在清华大学图书馆里看了一整天的小说",
    "他研究生命起源已经十几年了",
    "乒乓球拍卖完了，下周再来吧！",
    "这个月的工资还没发，房租又要交了……",
    "结婚的和尚未结婚的都可以报名参加",
    "妈妈做的红烧肉真好吃，我一口气吃了三碗饭",
    "今晚和闺蜜去唱歌，好开心呀～",
    "张晓莉和欧阳志远一起去了呼和浩特",
    "刚买的iPhone手机屏幕就碎了，心疼死我了",
    "周末去IKEA买了一个书架，花了399元",
    "Python程序员每天都在改bug，累成狗",
    "明天考试，求好运！！！",
    "哈哈哈笑死我了，这只猫也太可爱了吧",
    "從台北坐高鐵到高雄只要一個半小時",
    "感谢大家的关注，转发本条微博抽三位送签名照",
    "公司新来的实习生特别勤快，领导很满意",
    "小区门口那家奶茶店倒闭了，好可惜",
    "雷锋网记者从蔚来汽车获悉，新款车型将于年底上市",
    "我emo了，想回家躺平",
    "凌晨两点还在加班写PPT，老板你良心不会痛吗？",
    "二〇一八年的第一场雪来得比往年更晚一些",
    "孩子发烧３８度，急急忙忙赶到医院挂急诊",
    "你咋不上天呢，俺们那旮旯都这么说话",
]


def simplified():
    """The table that maps traditional characters to simplified ones, applied before jieba segments."""
    table = pathlib.Path(__file__).parents[3] / "model-core/src/text/traditional.txt"
    pairs = table.read_text(encoding="utf-8")
    return str.maketrans(pairs[::2], pairs[1::2])


def is_chinese(word):
    return any(unicodedata.name(letter, "").startswith("CJK UNIFIED") for letter in word)


def main():
    table = simplified()
    expected = [
        {"text": text, "words": [word for word in jieba.lcut(text.translate(table)) if is_chinese(word)]}
        for text in SENTENCES
    ]
    path = pathlib.Path(__file__).with_name("expected.json")
    with path.open("w", encoding="utf-8") as file:
        json.dump({"jieba": jieba.__version__, "sentences": expected}, file, ensure_ascii=False, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
