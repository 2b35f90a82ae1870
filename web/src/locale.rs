//! The message catalogues of page and widget, `locales/en.json` and `locales/zh-Hans.json`.
//!
//! A message is found by its key. `{name}` in it stands for an argument. A message that depends on a count has one entry
//! for each plural category of its language: the key with `_one`, `_other` and so on at its end. The categories are those
//! of CLDR. The widget reads the same catalogues (`widget/locale.js`). `name.` begins the keys of names of attributes and
//! classes, and `reason.` those of reasons.
//!
//! Why not a crate such as fluent: page and widget would have to load its parser and plural rules, in Rust and in JavaScript,
//! where the browser has plural rules already (`Intl.PluralRules`).

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::protocol::Reason;

/// Messages by key.
type Catalogue = BTreeMap<String, String>;

/// A language of the interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locale {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Locale {
    /// All of them, in the order of the page's buttons.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The first of the visitor's languages (BCP 47 tags) that has a catalogue; English if none has.
    pub fn negotiate(tags: impl IntoIterator<Item = String>) -> Self {
        let primary = |tag: &str| {
            let primary = tag.split('-').next().unwrap_or_default();
            primary.to_ascii_lowercase()
        };
        let known = |tag: String| {
            let mut locales = Self::ALL.into_iter();
            locales.find(|locale| primary(locale.tag()) == primary(&tag))
        };
        tags.into_iter().find_map(known).unwrap_or_default()
    }

    /// The BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
        }
    }

    /// A message without arguments. The key itself if the catalogue lacks it.
    pub fn t(self, key: &str) -> &str {
        self.catalogue().get(key).map_or(key, String::as_str)
    }

    /// A message with its arguments, by name. No argument turns the direction of the words around it.
    pub fn format(self, key: &str, arguments: &[(&str, &dyn Display)]) -> String {
        // Text and names of arguments take turns.
        let parts = self.t(key).split(['{', '}']).enumerate();
        let parts = parts.map(|(index, part)| {
            let argument = (arguments.iter()).find(|(name, _)| index % 2 == 1 && *name == part);
            argument.map_or_else(
                || part.to_owned(),
                |(_, value)| isolated(&value.to_string()),
            )
        });
        parts.collect()
    }

    /// A message that depends on a count, which is its argument `count`.
    pub fn plural(self, key: &str, count: usize, arguments: &[(&str, &dyn Display)]) -> String {
        let mut arguments = arguments.to_vec();
        arguments.push(("count", &count));
        self.format(&format!("{key}_{}", self.category(count)), &arguments)
    }

    /// The name of an attribute or class. A name that the catalogue lacks starts with a capital, and a range has an en dash.
    pub fn name(self, name: &str) -> String {
        match self.catalogue().get(&format!("name.{name}")) {
            Some(translated) => translated.clone(),
            None => crate::labels::title(name),
        }
    }

    /// A reason in words. Its name in JSON is the key of the message, after `reason.`. Its fields are the arguments; a single
    /// value without a name is the argument `detail`.
    pub fn reason(self, reason: &Reason) -> String {
        // Plain data can always be written as JSON.
        let (name, data) = match serde_json::to_value(reason).unwrap_or_default() {
            Value::Object(named) => named.into_iter().next().unwrap_or_default(),
            name => (name.as_str().unwrap_or_default().into(), Value::Null),
        };
        let data = match data {
            Value::Object(fields) => fields,
            detail => Map::from_iter([("detail".to_owned(), detail)]),
        };
        let text = |value: &Value| match value {
            Value::String(text) => self.or_unknown(text).to_owned(),
            number => number.to_string(),
        };
        let texts = data
            .iter()
            .map(|(name, value)| (name.as_str(), text(value)));
        let texts: Vec<(&str, String)> = texts.collect();
        let arguments = texts
            .iter()
            .map(|(name, text)| (*name, text as &dyn Display));
        self.format(&format!("reason.{name}"), &arguments.collect::<Vec<_>>())
    }

    /// A text from elsewhere, such as a name, or that it is unknown if it is empty.
    pub fn or_unknown(self, text: &str) -> &str {
        match text {
            "" => self.t("unknown"),
            text => text,
        }
    }

    fn catalogue(self) -> &'static Catalogue {
        static ENGLISH: LazyLock<Catalogue> =
            LazyLock::new(|| parse(include_str!("../locales/en.json")));
        static CHINESE: LazyLock<Catalogue> =
            LazyLock::new(|| parse(include_str!("../locales/zh-Hans.json")));
        match self {
            Self::English => &ENGLISH,
            Self::Chinese => &CHINESE,
        }
    }

    /// The plural category of a count. The browser has the rules, so the page need not load them.
    #[cfg(target_arch = "wasm32")]
    fn category(self, count: usize) -> String {
        let tags = js_sys::Array::of1(&self.tag().into());
        let rules = js_sys::Intl::PluralRules::new(&tags, &js_sys::Object::new());
        rules.select(count as f64).into()
    }

    /// The plural category of a count, where there is no browser.
    #[cfg(not(target_arch = "wasm32"))]
    fn category(self, count: usize) -> String {
        category_name(self.plural_rules().category_for(count))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn plural_rules(self) -> icu_plurals::PluralRules {
        let locale: icu_locale_core::Locale = self.tag().parse().expect("the tag is well formed");
        icu_plurals::PluralRules::try_new(locale.into(), Default::default())
            .expect("every locale has plural rules")
    }
}

/// A catalogue is part of the program, and a test reads it.
fn parse(json: &str) -> Catalogue {
    serde_json::from_str(json).expect("the catalogue holds texts by key")
}

#[cfg(not(target_arch = "wasm32"))]
fn category_name(category: icu_plurals::PluralCategory) -> String {
    format!("{category:?}").to_lowercase()
}

/// A text that does not turn the direction of the words around it. Names of files, writers and classes may be written from
/// right to left: such a text is isolated. Control characters that turn the direction are left out.
pub fn isolated(text: &str) -> String {
    /// They isolate the text between them, which has its own direction.
    const START: char = '\u{2068}';
    const END: char = '\u{2069}';
    let mut result = String::with_capacity(text.len());
    // Isolated parts may be there already, as the arguments of a message that is itself an argument.
    let mut depth = 0;
    let mut turns = false;
    for letter in text.chars() {
        match letter {
            START => depth += 1,
            END if depth > 0 => depth -= 1,
            END => continue,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' => continue,
            '\u{2066}' | '\u{2067}' => continue,
            // The blocks of the scripts from right to left.
            '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}' => {
                turns |= depth == 0;
            }
            '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}' => turns |= depth == 0,
            _ => {}
        }
        result.push(letter);
    }
    result.extend(std::iter::repeat_n(END, depth));
    match turns {
        true => format!("{START}{result}{END}"),
        false => result,
    }
}

#[cfg(test)]
mod tests;
