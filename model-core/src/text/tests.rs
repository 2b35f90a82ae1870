use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use flate2::read::GzDecoder;
use proptest::prelude::*;

use super::*;

const DICTIONARY: &str = "今天 100 t\n天气 80 n\n很好 60 a\n哈哈 50 o\n哈哈哈 40 o\n喜欢 90 v\n";

fn words_of(segmenter: &Segmenter, post: &str) -> Vec<String> {
    let words = segmenter.words(post);
    words.into_iter().map(|word| word.text).collect()
}

/// Checks the words of a post, given separated by spaces.
#[track_caller]
fn assert_words(post: &str, expected: &str) {
    let expected: Vec<&str> = expected.split_whitespace().collect();
    assert_eq!(words_of(&Segmenter::new(), post), expected, "{post:?}");
}

#[test]
fn english_is_cut_at_word_boundaries_in_lower_case() {
    assert_words("I DON'T think we’ll make it", "i don't think we'll make it");
    assert_words("don`t don´t don＇t don\u{92}t", "don't don't don't don't");
    assert_words(
        "a well-known e-mail and/or AT&T",
        "a well known e mail and or at t",
    );
    assert_words("tired.So I left home:bye", "tired so i left home bye");
    assert_words(
        "P.S. in the U.S.A. at 3.5 or 1,000",
        "p.s in the u.s.a at 3.5 or 1,000",
    );
    assert_words("_very_ snake_case", "very snake_case");
}

#[test]
fn widths_styles_and_marks_are_folded() {
    assert_words("ＡＢＣ　ｄｅｆ１２３！", "abc def123 !");
    assert_words("ﾊﾟﾝ ｶﾞｷﾞ", "パン ガギ");
    assert_words("cafe\u{301} CAFÉ", "café café");
    assert_words("ﬁne 𝓼𝓽𝔂𝓵𝓮 Ⅷ 5㎏", "fine style viii 5kg");
    assert_words(
        "sup\u{AD}port \u{FEFF}left\u{200E} a\u{200B}b",
        "support left a b",
    );
    assert_words("ÀÉÎ ΣΊΣΥΦΟΣ Привет", "àéî σίσυφοσ привет");
    assert_words("½ 25℃ Google™", "½ 25 ℃ google ™");
}

#[test]
fn links_addresses_and_names_are_one_word() {
    assert_words(
        "see http://t.cn/AbC, or (www.a.org/b_(c)).",
        "see <url> or <url>",
    );
    assert_words("看http://t.cn/abc，后面", "看 <url> 后 面");
    assert_words("mail Jo.B+x@mail.example.org, now", "mail <email> now");
    assert_words("@joe_b: hi @小明 / @x-1:ok", "<user> hi <user> <user> ok");
    assert_words("www. http:// a@b @ @, m@ke", "www http // a b m ke");
    assert_words("urlLink nbsp here", "<url> here");
}

#[test]
fn masks_and_long_numbers_are_one_word() {
    assert_words(
        "<url> <EMAIL>, @<user>：<num>",
        "<url> <email> <user> <num>",
    );
    assert_words("号码<#> <DECIMAL>", "号 码 <num> <num>");
    assert_words(
        "17 1984 12345 ０１２３４５６ 10.000,50",
        "17 1984 <num> <num> <num>",
    );
    assert_words("<b>bold</b> <rant>", "b bold b rant");
}

#[test]
fn topics_lose_their_marks() {
    assert_words(
        "#今天天气#真好 #ThrowBack #1",
        "今 天 天 气 真 好 throwback 1",
    );
}

#[test]
fn repeated_characters_are_cut_to_three() {
    assert_words("soooooooo sooo soo", "sooo sooo soo");
    assert_words("哈哈哈哈哈 😂😂😂😂😂", "哈 哈 哈 😂 😂 😂");
    assert_words("1000000 1111", "<num> 1111");
}

#[test]
fn emoji_are_whole_words() {
    assert_words("hi👨‍👩‍👧‍👦👍🏽🇨🇳🇺🇸", "hi 👨‍👩‍👧‍👦 👍🏽 🇨🇳 🇺🇸");
    assert_words("❤️❤♥🏴󠁧󠁢󠁥󠁮󠁧󠁿1️⃣2️⃣", "❤ ❤ ♥ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 1⃣ 2⃣");
    assert_words(
        "[哈哈][泪][good][Chorus]［心］",
        "[哈哈] [泪] [good] chorus [心]",
    );
    assert_words(
        ":-) ;P =D :'( <3 ^_^ ^^ -_- >.<",
        ":-) ;p =d :'( <3 ^_^ ^^ -_- >.<",
    );
    assert_words(
        "ok:) clear:P re:do (see: (a))",
        "ok :) clear :p re do see a ))",
    );
}

#[test]
fn punctuation_that_carries_style_is_kept() {
    assert_words(
        "what?! no!!!!! why??? hm.... so… 。。。",
        "what ?! no !!! why ??? hm … so … …",
    );
    assert_words(
        "a, b; c: (d) \"e\" 'f' -- g *** $5 5€ ~~",
        "a b c d e f -- g *** $ 5 5 € ~~",
    );
    assert_words("真的吗？好吧！算了，嗯。", "真 的 吗 ? 好 吧 ! 算 了 嗯");
}

#[test]
fn a_dictionary_segments_chinese() {
    let segmenter = Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
    let words = words_of(&segmenter, "今天天气很好,I喜欢it哈哈哈哈");
    assert_eq!(words, ["今天", "天气", "很好", "i", "喜欢", "it", "哈哈哈"]);
}

#[test]
fn offsets_point_into_the_original() {
    let post = "\u{FEFF}Soo\u{AD}o\u{AD}oo… ＨＩ　@小明：cafe\u{301}，[哈哈]今天😂😂😂😂http://t.cn/x。end\u{200E}";
    let segmenter = Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
    let words = segmenter.words(post);
    let found: Vec<(&str, &str)> = words
        .iter()
        .map(|word| (word.text.as_str(), &post[word.start..word.end]))
        .collect();
    let expected = [
        ("sooo", "Soo\u{AD}o\u{AD}oo"),
        ("…", "…"),
        ("hi", "ＨＩ"),
        ("<user>", "@小明"),
        ("café", "cafe\u{301}"),
        ("[哈哈]", "[哈哈]"),
        ("今天", "今天"),
        ("😂", "😂"),
        ("😂", "😂"),
        ("😂", "😂😂"),
        ("<url>", "http://t.cn/x"),
        ("end", "end"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn traditional_characters_are_read_as_simplified_ones() {
    let segmenter = Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
    let post = "今天天氣很好，[愛你]";
    let words = segmenter.words(post);
    let found: Vec<_> = (words.iter())
        .map(|word| (word.text.as_str(), &post[word.start..word.end]))
        .collect();
    let expected = [
        ("今天", "今天"),
        ("天气", "天氣"),
        ("很好", "很好"),
        ("[爱你]", "[愛你]"),
    ];
    assert_eq!(found, expected);
    // The compatibility form of 來 is another character; 着 is a simplified one too, and 々 neither.
    assert_words("\u{F92D}着々龘", "来 着 々 龘");
}

#[test]
fn characters_of_several_forms_were_always_the_first() {
    assert_words("看著 穿著 等著 著名", "看 着 穿 着 等 着 著 名");
    assert_words("乾淨的乾隆和康乾", "干 净 的 乾 隆 和 康 乾");
    assert_words("瞭解計畫和畫畫", "了 解 计 划 和 画 画");
    assert_words("明瞭甚麼", "明 了 什 么");
    assert_words("祇有祇要，不祇神祇", "只 有 只 要 不 只 神 祇");
    assert_words("反反覆覆顛覆", "反 反 复 复 颠 覆");
    let post = "我瞭解，著作";
    let words = Segmenter::new().words(post);
    let found: Vec<_> = (words.iter())
        .map(|word| &post[word.start..word.end])
        .collect();
    assert_eq!(found, ["我", "瞭", "解", "著", "作"]);
}

#[test]
fn phrases_are_in_order_and_have_forms_of_their_length() {
    let phrases: Vec<(&str, &str)> = (include_str!("phrases.txt").lines())
        .map(|line| line.split_once('\t').unwrap())
        .collect();
    assert!(phrases.len() > 50 && phrases.is_sorted());
    for (phrase, form) in phrases {
        assert_eq!(
            character::phrase(&format!("{phrase}x")),
            Some((phrase, form))
        );
        assert_eq!(phrase.len(), form.len(), "{phrase}");
        let by_characters: String = phrase.chars().map(character::simplified).collect();
        assert_ne!(by_characters, form, "{phrase} needs no line");
    }
}

#[test]
fn a_name_without_a_space_after_it_swallowed_the_post() {
    let name = "一二三四五六七八九十甲乙丙丁戊";
    assert_words(&format!("@{name}你好"), "<user> 你 好");
    assert_words(&format!("@{}bc d", "ab".repeat(15)), "<user> bc d");
}

#[test]
fn numbers_after_an_equals_sign_were_emoticons() {
    assert_words("PI=3.14 x=3, y =3", "pi 3.14 x 3 y =3");
}

#[test]
fn letters_that_show_nothing_were_words() {
    assert_words(
        "a\u{3164}b \u{2800}\u{2800} \u{115F}\u{1160} \u{FFA0}",
        "a b",
    );
    assert_words(
        "left\u{200C}right \u{200D}x café\u{200D}s",
        "leftright x cafés",
    );
    assert_words("今\u{200B}天 今\u{200B} a\u{200B}b", "今 天 今 a b");
    // They shape Persian, and join emoji.
    assert_words("می\u{200C}روم 👩\u{200D}🔬", "می\u{200C}روم 👩\u{200D}🔬");
    let segmenter = Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
    assert_eq!(
        words_of(&segmenter, "今\u{200B}天天\u{200B}气"),
        ["今天", "天气"]
    );
}

#[test]
fn words_of_any_length_went_to_the_vocabulary() {
    let words = words_of(&Segmenter::new(), &format!("a {} b", "xy".repeat(1 << 19)));
    assert_eq!(
        words,
        [
            "a".to_owned(),
            "xy".repeat(LONGEST_WORD / 2),
            "b".to_owned()
        ]
    );
}

#[test]
fn the_table_of_characters_is_in_order_and_leads_to_simplified_ones() {
    let pairs: Vec<char> = include_str!("traditional.txt").chars().collect();
    assert!(pairs.len() > 5000);
    let pairs: Vec<_> = pairs.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    assert!(pairs.is_sorted());
    for (traditional, form) in pairs {
        assert_eq!(character::simplified(traditional), form);
    }
}

#[test]
fn what_a_repost_quotes_is_not_the_writers() {
    assert_words("真的吗？//@小明:今天//@b_c:很好", "真 的 吗 ?");
    assert_words("ok／／＠小明：no", "ok");
    assert_words("ok // @小明: no", "ok // <user> no");
    assert_words("ok //<user>: no", "ok");
    assert_words("//@小明: no\n是\r\n//@小明: no", "是");
    assert_words(
        "a // b //c http://x@小明 //\n@小明",
        "a // b // c <url> 小 明 // <user>",
    );
}

#[test]
fn user_words_stay_in_one_piece() {
    let mut segmenter = Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
    assert_eq!(
        words_of(&segmenter, "天气很好今天"),
        ["天气", "很好", "今天"]
    );
    let left_out =
        segmenter.add_user_dictionary("\u{FEFF}氣很 nz\n\n  天气很好  9 a\r\nC罩杯\n今 500\n");
    assert_eq!(left_out, Ok(1));
    assert_eq!(words_of(&segmenter, "天气很好今天"), ["天气很好", "今天"]);
    assert_eq!(segmenter.dictionary_tag("气很"), Some("nz"));
    // What was added can be added elsewhere.
    let mut other = Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
    other
        .add_user_dictionary(segmenter.user_dictionary())
        .unwrap();
    assert_eq!(words_of(&other, "天气很好今天"), ["天气很好", "今天"]);

    for line in [
        "今天 x1 t",
        "今天 1 t t",
        "今天 -1",
        "今天 9999999999",
        "今天 3 形容",
    ] {
        let refused = other.add_user_dictionary(&format!("很好\n{line}"));
        let expected = TextError::UserWord {
            line: 2,
            text: line.to_owned(),
        };
        assert_eq!(refused, Err(expected), "{line}");
    }
    let refused = Segmenter::new().add_user_dictionary("今天");
    assert_eq!(refused, Err(TextError::NoDictionary));
}

#[test]
fn the_mark_before_a_dictionary_took_its_first_word() {
    let dictionary = |text: &str| Segmenter::with_dictionary(text.as_bytes());
    let marked = dictionary(&format!("\u{FEFF}气很 500000 nz\r\n{DICTIONARY}")).unwrap();
    assert_eq!(marked.dictionary_tag("气很"), Some("nz"));
    assert_eq!(words_of(&marked, "今天气很"), ["今天", "气很"]);
    let empty = dictionary("\u{FEFF}\r\n").err();
    assert_eq!(empty, Some(TextError::EmptyDictionary));
}

#[test]
fn misspelt_frequencies_were_parts_of_speech() {
    for field in [
        "18446744073709551616",
        "1000000001",
        "1e9",
        "+5",
        "-5",
        "1.5",
        "5n",
        "五",
    ] {
        for line in [format!("今天 {field}"), format!("今天 {field} t")] {
            let mut segmenter = Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
            let refused = segmenter.add_user_dictionary(&line).unwrap_err();
            let message = refused.to_string();
            assert!(
                message.contains(&line) && message.contains("digits, at most 1000000000"),
                "{message}"
            );
        }
    }
    let mut segmenter = Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
    let accepted = segmenter.add_user_dictionary("今天 1000000000 nr\n天气 005\n很好 x1\n");
    assert_eq!(accepted, Ok(0));
}

#[test]
fn odd_posts_do_no_harm() {
    for post in [
        "", " ", "\0\0\0", "\u{301}", "\u{200D}", "\u{FE0F}", "@", "#", "[", "<",
    ] {
        assert_words(post, "");
    }
    assert_words("a\0b\u{7}c", "a b c");
    assert_words("שלום עולם", "שלום עולם");
    assert_words("안녕 하세요ㅋㅋㅋㅋ", "안녕 하세요ㅋㅋㅋ");
}

#[test]
fn a_megabyte_takes_no_time() {
    let segmenter = Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
    // Each would take minutes if cutting were quadratic in the length of a word, a run or the post.
    for piece in [
        "a",
        "ab",
        "a.",
        "a:",
        "1,",
        "a@",
        "@a",
        "@",
        "<",
        "[",
        "(",
        "http://a(",
        "www.a)",
        "www.a).",
        "http://a，",
        "ｈttp://a",
        "aaaa @",
        "今",
        "今天",
        "😂",
        "👩\u{200D}",
        "🇨",
        "\u{301}",
        "a\u{301}\u{302}",
        "\u{200D}",
        "a'",
        "_",
        ":-",
        "^_",
        ".!",
        "ㄱ",
        "ก",
        "\0",
        "\u{AD}",
        "o\u{AD}o",
        "ﬀﬀ",
        "ﾊﾟ",
        "1\u{20E3}",
    ] {
        let post = piece.repeat((1 << 20) / piece.len());
        let started = std::time::Instant::now();
        segmenter.words(&post);
        let seconds = started.elapsed().as_secs_f64();
        assert!(seconds < 10.0, "{piece:?} repeated took {seconds:.1} s");
    }
}

#[test]
fn frequencies_beyond_32_bits_gave_other_words_in_a_browser() {
    for dictionary in [
        "今天 2147483649 t\n".to_owned(),
        "今天 1500000000 t\n天气 1500000000 n\n".to_owned(),
        format!("今天 {} t\n天气 9 n\n", u64::MAX),
    ] {
        let refused = Segmenter::with_dictionary(dictionary.as_bytes()).unwrap_err();
        assert_eq!(refused, TextError::Frequencies);
    }
    let mut segmenter = Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
    let two = "气很 1000000000\n天气很好 1000000000\n";
    assert_eq!(segmenter.add_user_dictionary(two), Ok(0));
    let refused = segmenter.add_user_dictionary("今 1000000000\n");
    assert_eq!(refused, Err(TextError::Frequencies));
    // A number that is one in 64 bits only was the part of speech in a browser.
    let refused = segmenter.add_user_dictionary("今 5000000000\n");
    assert!(
        matches!(refused, Err(TextError::UserWord { line: 1, .. })),
        "{refused:?}"
    );
}

#[test]
fn a_user_dictionary_of_millions_of_words_panicked() {
    let mut segmenter = Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
    let many = "今 1\n".repeat(MOST_USER_WORDS + 1);
    let refused = segmenter.add_user_dictionary(&many);
    assert_eq!(refused, Err(TextError::LongUserDictionary));
    let mut segmenter = Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
    let long = "今天天气".repeat(250) + " 1\n";
    let refused = segmenter.add_user_dictionary(&long.repeat(5_600));
    assert_eq!(refused, Err(TextError::LongUserDictionary));
}

#[test]
fn what_is_no_dictionary_is_refused_in_one_line() {
    let refused = |bytes: &[u8]| Segmenter::with_dictionary(bytes).unwrap_err();
    assert_eq!(refused(b""), TextError::EmptyDictionary);
    assert_eq!(refused(b"\n \n"), TextError::EmptyDictionary);
    assert_eq!(
        refused(&b"a 1 n\n".repeat(3_000_000)),
        TextError::LongDictionary
    );
    for wrong in [
        &b"\x1F\x8B\x08\x00\xFF\xFE"[..],
        "今天 often t\n".as_bytes(),
        &b"a b\n".repeat(9),
    ] {
        let message = refused(wrong).to_string();
        assert!(
            message.starts_with("the Chinese dictionary cannot be used: "),
            "{message}"
        );
        assert!(!message.contains('\n') && message.len() < 600, "{message}");
    }
    // Words without a frequency are odd, but words.
    let segmenter = Segmenter::with_dictionary("今天\n天气 0\n".as_bytes()).unwrap();
    assert_eq!(words_of(&segmenter, "今天天气").concat(), "今天天气");
}

/// Posts made of pieces of real ones and of pieces that break programs.
fn posts() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        " ",
        "\n",
        "the",
        "Don’t",
        "sooooo",
        "x",
        "D",
        "3",
        "12345",
        "1.5",
        "今天",
        "天气",
        "哈哈哈哈",
        "〇",
        "カ",
        "ﾞ",
        "ﾊﾟ",
        "ひ",
        "안",
        "שלום",
        "ไทย",
        "ﷺ",
        "ﬁ",
        "㈱",
        "㍿",
        "½",
        "™",
        "İ",
        "ß",
        "é",
        "e\u{301}",
        "\u{301}",
        "\u{200D}",
        "\u{200B}",
        "\u{FE0F}",
        "\u{AD}",
        "\u{20E3}",
        "\0",
        "\r",
        "\u{85}",
        "\u{10FFFF}",
        "👩",
        "👍🏽",
        "🏽",
        "🇨",
        "🇳",
        "❤️",
        "Ⓜ",
        "‼",
        "#",
        "@",
        "@小明",
        "<",
        ">",
        "<url>",
        "<num",
        "http://",
        "www.",
        "a@b.co",
        ".",
        "…",
        "。",
        "!",
        "?",
        "！",
        "(",
        ")",
        "[",
        "]",
        "[哈哈]",
        ":",
        ";",
        "-",
        "^",
        "_",
        "~",
        "'",
        "*",
        "=",
        "/",
        "$",
        "＄",
        "，",
        "\u{1100}",
        "\u{1161}",
    ]);
    let made = prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat());
    prop_oneof![3 => made, 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ranges_are_ordered_and_on_character_boundaries(post in posts(), chinese: bool) {
        let dictionary = || Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
        let segmenter = if chinese { dictionary() } else { Segmenter::new() };
        let mut end = 0;
        for word in segmenter.words(&post) {
            prop_assert!(!word.text.is_empty() && !word.text.contains(char::is_whitespace), "{word:?}");
            prop_assert!(end <= word.start && word.start < word.end, "{word:?} after {end}");
            prop_assert!(post.get(word.start..word.end).is_some(), "{word:?}");
            end = word.end;
        }
    }

    #[test]
    fn posts_one_after_the_other_have_the_words_of_each(first in posts(), second in posts()) {
        let segmenter = Segmenter::new();
        let mut expected = segmenter.words(&first);
        let shift = first.len() + 1;
        expected.extend(segmenter.words(&second).into_iter().map(|word| Word {
            start: word.start + shift,
            end: word.end + shift,
            ..word
        }));
        prop_assert_eq!(segmenter.words(&format!("{first}\n{second}")), expected);
    }

    #[test]
    fn words_are_cut_into_themselves(post in posts()) {
        // Invisible characters part a letter from its marks until they are gone.
        let post = post.replace(['\u{FE0F}', '\u{AD}', '\u{200D}'], "");
        let segmenter = Segmenter::new();
        let words = words_of(&segmenter, &post);
        prop_assert_eq!(words_of(&segmenter, &words.join(" ")), words);
    }

    #[test]
    fn plain_words_are_found_where_they_stand(words in prop::collection::vec("[a-z]{2}", 0..20)) {
        let post = words.join(" ");
        let found = Segmenter::new().words(&post);
        prop_assert!(found.iter().all(|word| post[word.start..word.end] == word.text));
        let found: Vec<String> = found.into_iter().map(|word| word.text).collect();
        prop_assert_eq!(found, words);
    }

    #[test]
    fn the_short_way_to_a_boundary_leads_to_the_same(text in "[a-z]{0,3}([ .:'_,\"-]|[a-z0-9é字\u{301}\u{200D}]){0,5}") {
        prop_assert_eq!(segment(&text), text.split_word_bounds().next().unwrap_or(&text));
    }
}

#[test]
fn masks_replace_links_addresses_and_long_numbers() {
    for (post, masked) in [
        (
            "see https://a.org/b?c=1, or WWW.A.org!",
            "see <url>, or <url>!",
        ),
        ("(http://a.org/b_(c)) seehttp://a.org", "(<url>) see<url>"),
        (
            "Mail Jo.B+x@Mail.example.org. Or --x@a.de",
            "Mail <email>. Or --<email>",
        ),
        ("call 555-0199 or 1 (800) 555 0199", "call <num> or <num>"),
        ("id:12345678x, née 20040514", "id:<num>x, née <num>"),
        (
            "5550199 is short, 2004-05 too",
            "5550199 is short, 2004-05 too",
        ),
        (
            "from 1 000.-- on 24/12/2004 at 10:30",
            "from 1 000.-- on 24/12/2004 at 10:30",
        ),
        (
            "Awww.Really? http:// www. m@ke @joe",
            "Awww.Really? http:// www. m@ke @joe",
        ),
        ("é@é 北京12345678北京", "é@é 北京<num>北京"),
        ("<url> <email> <num>", "<url> <email> <num>"),
        ("", ""),
    ] {
        assert_eq!(mask(post), masked);
    }
}

proptest! {
    #[test]
    fn masking_links_and_addresses_keeps_the_words(
        post in "((\\(?@?(https?://|www\\.)[a-z]{1,3}\\.org(/[a-z]{0,3})?[.,)!]?|[a-z.]{1,5}@[a-z]{1,4}\\.org[.,!]?|[a-zé北]{1,6}) ){0,8}"
    ) {
        let segmenter = Segmenter::new();
        prop_assert_eq!(words_of(&segmenter, &mask(&post)), words_of(&segmenter, &post));
    }

    #[test]
    fn masking_twice_changes_nothing_more(post in ".{0,60}") {
        let masked = mask(&post);
        prop_assert_eq!(mask(&masked), masked);
    }
}

#[test]
fn a_link_after_an_at_sign_was_a_name() {
    for (post, words) in [
        (".@www.a.org at", "<url> at"),
        ("via @https://a.org/b, é@www.a.org", "via <url> é <url>"),
        ("@www. @http @wwwa.org", "<user> <user> <user> org"),
    ] {
        assert_words(post, words);
        assert_words(&mask(post), words);
    }
}

fn repository() -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..")
}

/// The dictionary as `scripts/finish_page.sh` writes it for the page.
fn front_coded(dictionary: &str) -> Vec<u8> {
    let mut command = Command::new("sh")
        .args(["-c", "LC_ALL=C sort | LC_ALL=C awk -f front_code.awk"])
        .current_dir(repository().join("scripts"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // `sort` writes nothing before it has read everything.
    let mut input = command.stdin.take().unwrap();
    input.write_all(dictionary.as_bytes()).unwrap();
    drop(input);
    let output = command.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn the_pages_dictionary_has_every_word_and_frequency_of_jiebas() {
    let file = repository().join("public/dictionary/zh.txt.gz");
    let mut dictionary = String::new();
    GzDecoder::new(File::open(file).unwrap())
        .read_to_string(&mut dictionary)
        .unwrap();
    let without_tag = |line: &str| line[..line.rfind(' ').unwrap()].to_owned();
    let mut expected: Vec<String> = dictionary.lines().map(without_tag).collect();
    expected.sort_by(|one, other| one.split(' ').next().cmp(&other.split(' ').next()));

    let coded = front_coded(&dictionary);
    let decoded = String::from_utf8(front_coding::decode(&coded).unwrap().into_owned()).unwrap();
    assert!(expected.len() > 300_000);
    assert!(decoded.lines().eq(expected));
    assert!(coded.len() < dictionary.len() * 6 / 10);
}

#[test]
fn a_front_coded_dictionary_segments_as_the_plain_one() {
    let coded = front_coded(DICTIONARY);
    let coded = Segmenter::with_dictionary(&*coded).unwrap();
    let plain = Segmenter::with_dictionary(DICTIONARY.as_bytes()).unwrap();
    let post = "今天天气很好，哈哈哈哈，喜欢";
    assert_eq!(coded.words(post), plain.words(post));
}

#[test]
fn damaged_front_coding_is_refused() {
    let damaged = [
        "front-coded\n",
        "front-coded\n0你\n",
        "front-coded\n0你\n\n",
        "front-coded\n0你\n\n9\n9\n",
        "front-coded\n1你\n\n9\n",
        "front-coded\n!你\n\n9\n",
        "front-coded\n0你\n1\n\n9\n9\n",
        "front-coded\n0你\n\nnine\n",
    ];
    for dictionary in damaged {
        let refused = Segmenter::with_dictionary(dictionary.as_bytes()).err();
        assert!(
            matches!(refused, Some(TextError::Dictionary(_))),
            "{dictionary:?}: {refused:?}"
        );
    }
}

#[test]
fn a_front_coded_dictionary_may_not_grow_without_end() {
    let word = "0".to_owned() + &"一".repeat(50);
    // Each word has 126 − 48 bytes of the one before.
    let words = format!("front-coded\n{word}\n{}\n", "~一\n".repeat(300_000));
    let dictionary = words + &"3\n".repeat(300_001);
    let refused = Segmenter::with_dictionary(dictionary.as_bytes()).err();
    assert_eq!(refused, Some(TextError::LongDictionary));
}

#[test]
fn fuzz_dictionaries() {
    let words = "你好 500 l\n世界 300 n\n你 9 r\n";
    let coded = "front-coded\n0你\n3好\n0世界\n\n9\n500\n\n";
    fuzzing::fuzz("dictionary", &[words, coded], |bytes| {
        if let Ok(segmenter) = Segmenter::with_dictionary(bytes) {
            words_of(&segmenter, "你好，世界");
        }
    });
    fuzzing::fuzz(
        "user dictionary",
        &["好世 20 n\n界\n你好 x\nabc 3\n"],
        |bytes| {
            let mut segmenter = Segmenter::with_dictionary(words.as_bytes()).unwrap();
            if (segmenter.add_user_dictionary(&String::from_utf8_lossy(bytes))).is_ok() {
                words_of(&segmenter, "你好，世界");
            }
        },
    );
}
