use std::collections::BTreeSet;
use std::path::Path;

use model_core::language::is_han;

use super::*;

/// The names of a message's arguments.
fn arguments(message: &str) -> BTreeSet<&str> {
    message.split(['{', '}']).skip(1).step_by(2).collect()
}

/// The plural categories of a language, each as the end of a key.
fn endings(locale: Locale) -> BTreeSet<String> {
    let categories = locale.plural_rules().categories().collect::<Vec<_>>();
    let ending = |category| format!("_{}", category_name(category));
    categories.into_iter().map(ending).collect()
}

/// A key without its plural category.
fn base(key: &str) -> &str {
    let plurals = ["_zero", "_one", "_two", "_few", "_many", "_other"];
    let stems = plurals.iter().find_map(|plural| key.strip_suffix(plural));
    stems.unwrap_or(key)
}

/// The sources of page and widget, without tests.
fn sources() -> String {
    fn read(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_stem().is_some_and(|name| name == "tests") {
                continue;
            }
            if path.is_dir() {
                read(&path, text);
            } else if path
                .extension()
                .is_some_and(|kind| kind == "rs" || kind == "js")
            {
                let source = std::fs::read_to_string(path).unwrap();
                text.extend(source.split("mod tests {").next());
            }
        }
    }
    let mut text = String::new();
    for folder in ["src", "widget"] {
        read(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut text,
        );
    }
    text
}

#[test]
fn names_turned_the_words_around_them() {
    let heading = |name: &str| Locale::English.plural("files_heading", 2, &[("file", &name)]);
    for (name, shown) in [
        ("two.txt", "two.txt"),
        ("\u{202e}gnp.txt", "gnp.txt"),
        ("שלום.txt", "\u{2068}שלום.txt\u{2069}"),
        ("\u{2069}\u{202e}שלום", "\u{2068}שלום\u{2069}"),
        ("\u{2068}a", "\u{2068}a\u{2069}"),
    ] {
        let expected = format!("Writers in {shown} and 2 more files");
        assert_eq!(heading(name), expected);
        // As part of another message it is not isolated once more.
        let error = Locale::English.format("download_failed", &[("error", &expected)]);
        assert!(error.contains(&expected), "{error}");
    }
}

#[test]
fn the_first_known_language_is_taken() {
    let negotiate = |tags: &[&str]| Locale::negotiate(tags.iter().map(|tag| tag.to_string()));
    assert_eq!(negotiate(&["fr-FR", "zh-TW", "en"]), Locale::Chinese);
    assert_eq!(negotiate(&["en-GB", "zh"]), Locale::English);
    assert_eq!(negotiate(&["fr", ""]), Locale::English);
    assert_eq!(negotiate(&["ZH-hans"]), Locale::Chinese);
}

#[test]
fn names_are_translated_where_the_catalogue_has_them() {
    assert_eq!(Locale::Chinese.name("Student"), "学生");
    assert_eq!(Locale::Chinese.name("23-27"), "23–27");
    assert_eq!(Locale::English.name("profession"), "Profession");
    assert_eq!(Locale::English.name("age (coarse)"), "Age range");
    assert_eq!(Locale::English.name("shoe_size"), "Shoe size");
}

#[test]
fn one_writer_is_not_called_writers() {
    let done = |locale: Locale, count| locale.plural("file_done", count, &[]);
    assert_eq!(done(Locale::English, 0), "0 writers done");
    assert_eq!(done(Locale::English, 1), "1 writer done");
    assert_eq!(done(Locale::English, 2), "2 writers done");
    assert_eq!(done(Locale::Chinese, 1), "已完成 1 位作者");
}

#[test]
fn an_argument_is_not_read_as_a_message() {
    let announcement = [
        ("attribute", &"{label}" as &dyn Display),
        ("label", &"{share}"),
        ("share", &"60%"),
    ];
    assert_eq!(
        Locale::English.format("announcement", &announcement),
        "{label}: {share}, 60%."
    );
}

#[test]
fn every_locale_has_every_message_with_the_same_arguments() {
    // By key without its plural category: which categories there are, and the arguments of each.
    let messages = |locale: Locale| {
        let mut messages: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
        for (key, message) in locale.catalogue() {
            assert_eq!(
                message.matches('{').count(),
                message.matches('}').count(),
                "{key}"
            );
            let category = &key[base(key).len()..];
            let entry = messages.entry(base(key)).or_default();
            entry.insert(category, arguments(message));
        }
        messages
    };
    let all = Locale::ALL.map(|locale| (locale, messages(locale)));
    let (_, english) = &all[0];
    for (locale, messages) in &all {
        let [keys, wanted] =
            [messages, english].map(|messages| messages.keys().collect::<Vec<_>>());
        assert_eq!(keys, wanted, "{locale:?}");
        for (key, forms) in messages {
            if !forms.contains_key("") {
                let categories: BTreeSet<_> = forms.keys().map(|form| form.to_string()).collect();
                assert_eq!(categories, endings(*locale), "{locale:?}: {key}");
            }
            for arguments in forms.values() {
                assert_eq!(
                    Some(arguments),
                    english[key].values().next(),
                    "{locale:?}: {key}"
                );
            }
        }
    }
}

#[test]
fn the_messages_that_are_used_are_those_of_the_catalogue() {
    let sources = sources();
    let known: BTreeSet<&str> = (Locale::English.catalogue().keys())
        .map(|key| base(key))
        .filter(|key| !key.starts_with("name.") && !key.starts_with("reason."))
        .collect();
    for key in &known {
        assert!(
            sources.contains(&format!("\"{key}\"")),
            "no code uses {key}"
        );
    }
    for call in ["t(", ".format(", ".plural("] {
        for (start, _) in sources.match_indices(call) {
            let is_call = !sources[..start]
                .ends_with(|before: char| before.is_alphanumeric() || before == '_');
            let rest = sources[start + call.len()..].trim_start().strip_prefix('"');
            if let Some((key, _)) = rest
                .filter(|_| is_call)
                .and_then(|rest| rest.split_once('"'))
            {
                assert!(known.contains(key), "{key} is in no catalogue");
            }
        }
    }
}

/// The names of all reasons in JSON.
fn names_of_reasons() -> Vec<String> {
    // The error about an unknown name lists them.
    let error = serde_json::from_str::<Reason>("\"?\"").unwrap_err();
    let error = error.to_string();
    let quoted = error.split('`').skip(1).step_by(2).map(String::from);
    quoted.skip(1).collect()
}

/// A reason of each kind, in the order of the type.
fn reasons() -> Vec<Reason> {
    let text = || "some text".to_owned();
    vec![
        Reason::NoWebGpu,
        Reason::InsecurePage,
        Reason::AdapterRefused(text()),
        Reason::NoAdapter,
        Reason::NoTimestampQuery { adapter: text() },
        Reason::SoftwareAdapter { adapter: text() },
        Reason::WebGpuFailed(text()),
        Reason::NotFetched {
            address: text(),
            detail: text(),
        },
        Reason::NotServed {
            address: text(),
            status: 404,
        },
        Reason::NotUnpacked(text()),
        Reason::IncompleteBundle(text()),
        Reason::NotABundle(text()),
        Reason::NewerBundle {
            version: 5,
            readable: 4,
        },
        Reason::OlderBundle { version: 3 },
        Reason::DamagedBundle(text()),
        Reason::UnusableDictionary(text()),
        Reason::NoSegmentation(text()),
        Reason::UnusableBaseRates(text()),
        Reason::DeviceFailed(text()),
        Reason::NotFinite,
        Reason::NoModel,
        Reason::Miscounted {
            asked: 2,
            answered: 1,
        },
        Reason::Crashed(text()),
        Reason::NoWorker,
        Reason::WorkerEnded,
        Reason::Misunderstood(text()),
        Reason::UnreadableFile(text()),
        Reason::PackedFile { packing: text() },
        Reason::NoUsers(text()),
        Reason::BrokenFile(text()),
        Reason::TextTooLong,
        Reason::UnknownAttributes {
            names: text(),
            known: text(),
        },
        Reason::NotAnAddress {
            attribute: text(),
            address: text(),
        },
    ]
}

#[test]
fn every_reason_has_a_text_in_every_language() {
    let (names, reasons) = (names_of_reasons(), reasons());
    assert_eq!(reasons.len(), names.len(), "{names:?}");
    for (name, reason) in names.iter().zip(&reasons) {
        let json = serde_json::to_value(reason).unwrap();
        assert!(json == *name || json.get(name).is_some(), "{name}: {json}");
        let data: BTreeSet<&str> = match json.get(name) {
            None => BTreeSet::new(),
            Some(Value::Object(fields)) => fields.keys().map(String::as_str).collect(),
            Some(_) => BTreeSet::from(["detail"]),
        };
        for locale in Locale::ALL {
            let message = locale.catalogue().get(&format!("reason.{name}"));
            let message = message.unwrap_or_else(|| panic!("{locale:?} has no reason.{name}"));
            assert_eq!(arguments(message), data, "{locale:?}: {name}");
        }
        let chinese = Locale::Chinese.reason(reason);
        assert!(chinese.contains(is_han), "{chinese}");
    }
    let keys = Locale::English.catalogue().keys();
    let keys: BTreeSet<&str> = keys.filter_map(|key| key.strip_prefix("reason.")).collect();
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(keys, names);
}

#[test]
fn a_reason_is_shown_with_its_data() {
    let not_served = Reason::NotServed {
        address: "en.safetensors".into(),
        status: 404,
    };
    assert_eq!(
        Locale::ALL.map(|locale| locale.reason(&not_served)),
        [
            "could not fetch en.safetensors (the server answers 404)",
            "无法获取 en.safetensors（服务器返回 404）"
        ]
    );
    assert_eq!(
        Locale::ALL.map(|locale| locale.reason(&Reason::WebGpuFailed("device lost".into()))),
        [
            "WebGPU failed (device lost)",
            "WebGPU 出错（技术细节：device lost）"
        ]
    );
    assert_eq!(
        Locale::ALL.map(|locale| locale.reason(&Reason::NoModel)),
        ["there is no such model", "没有这个模型"]
    );
    let unnamed = Reason::SoftwareAdapter {
        adapter: String::new(),
    };
    assert_eq!(
        Locale::Chinese.reason(&unnamed),
        "此处的 WebGPU 只是软件模拟（未知）"
    );
}

#[test]
fn no_english_sentence_is_left_in_chinese_messages() {
    for (key, message) in Locale::Chinese.catalogue() {
        for text in message.split(['{', '}']).step_by(2) {
            // Both languages share single names, such as WebGPU.
            let is_english = |letter: char| letter.is_ascii_alphabetic() || letter == ' ';
            let longest = text.split(|letter: char| !is_english(letter));
            let longest = longest.map(|words| words.split_whitespace().count()).max();
            assert!(longest < Some(2), "{key}: {message}");
        }
    }
}
