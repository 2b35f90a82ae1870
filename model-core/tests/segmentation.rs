//! Segmentation of Chinese equals jieba's (values from `tests/reference/jieba/make.py`).

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use model_core::text::Segmenter;
use serde_json::Value;

fn repository() -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..")
}

fn segmenter() -> Segmenter {
    let dictionary = File::open(repository().join("public/dictionary/zh.txt.gz")).unwrap();
    Segmenter::with_dictionary(BufReader::new(GzDecoder::new(dictionary))).unwrap()
}

#[test]
fn chinese_is_segmented_as_by_jieba() {
    let expected = File::open(repository().join("tests/reference/jieba/expected.json")).unwrap();
    let expected: Value = serde_json::from_reader(BufReader::new(expected)).unwrap();
    let sentences = expected["sentences"].as_array().unwrap();
    assert!(sentences.len() >= 16);

    let segmenter = segmenter();
    for sentence in sentences {
        let text = sentence["text"].as_str().unwrap();
        let words: Vec<String> = segmenter
            .words(text)
            .into_iter()
            .map(|word| word.text)
            .filter(|word| word.contains(|letter| matches!(letter, '\u{4E00}'..='\u{9FFF}')))
            .collect();
        let expected: Vec<&str> = sentence["words"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect();
        assert_eq!(words, expected, "{text}");
    }
}

#[test]
fn mixed_text_is_cut_each_by_its_own_rules() {
    let post = "#周末计划#和@小王 去Coffee Shop喝咖啡😋，http://t.cn/abc 太棒了!!!!";
    let words = segmenter().words(post);
    let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let expected = [
        "周末",
        "计划",
        "和",
        "<user>",
        "去",
        "coffee",
        "shop",
        "喝咖啡",
        "😋",
        "<url>",
        "太棒了",
        "!!!",
    ];
    assert_eq!(words, expected);
}

#[test]
fn the_dictionary_names_parts_of_speech() {
    let segmenter = segmenter();
    let tags = ["图书馆", "漂亮", "看", "北京", "张晓莉", "coffee", ""]
        .map(|word| segmenter.dictionary_tag(word));
    let expected = [
        Some("n"),
        Some("a"),
        Some("v"),
        Some("ns"),
        None,
        None,
        None,
    ];
    assert_eq!(tags, expected);
    assert_eq!(Segmenter::new().dictionary_tag("图书馆"), None);
}
