//! Predictions: for each attribute a distribution over its classes.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

use crate::language::Language;

/// The index of the largest value, the first if there are several; `None` if there are no values.
pub fn largest(values: &[f32]) -> Option<usize> {
    (0..values.len()).reduce(|best, other| {
        if values[other] > values[best] {
            other
        } else {
            best
        }
    })
}

/// The predictions for one user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct UserPrediction {
    /// The number of words that the model read.
    pub words: usize,
    /// The number of these words that the vocabulary holds.
    pub known_words: usize,
    /// The language of the text, if the model distinguishes languages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub language: Option<Language>,
    /// One prediction for each attribute, in the order of the tasks; a JSON object by attribute name.
    pub predictions: Named<AttributePrediction>,
}

/// The prediction for a user with the id: a line of the output of `auxlstm predict`, one JSON object a line.
#[cfg(feature = "corpus")]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The id of the user: any JSON value.
    pub id: serde_json::Value,
    /// The predictions for the user.
    #[serde(flatten)]
    pub prediction: UserPrediction,
}

#[cfg(feature = "corpus")]
impl Line {
    /// Writes the JSON object and a line feed.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write(&self, mut out: impl std::io::Write) -> std::io::Result<()> {
        serde_json::to_writer(&mut out, self)?;
        out.write_all(b"\n")
    }
}

/// The distribution over the classes of one attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct AttributePrediction {
    /// The most probable class, within the most probable coarse class if there are coarse classes; `null` if the text has no
    /// known word.
    pub label: Option<String>,
    /// Whether the probability of the label reaches the confidence threshold of the model; otherwise the model abstains. False
    /// if the attribute is transferred.
    pub confident: bool,
    /// The probability of each class, in the order of the classes; a JSON object by class.
    pub probabilities: Named<f32>,
    /// Whether the attribute was learned from users who write another language and not validated in the language of the text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transferred: bool,
    /// The distribution over the coarse classes, if the attribute has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub coarse: Option<CoarsePrediction>,
}

impl AttributePrediction {
    /// The validation status of the attribute in the language of the text: `measured` or `transferred`.
    pub fn status(&self) -> &'static str {
        match self.transferred {
            true => "transferred",
            false => "measured",
        }
    }
}

/// The distribution over the coarse classes of an attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct CoarsePrediction {
    /// The most probable coarse class; `null` if the text has no known word.
    pub label: Option<String>,
    /// Whether its probability reaches the confidence threshold. False if the attribute is transferred.
    pub confident: bool,
    /// The probability of each coarse class: the sum over its classes.
    pub probabilities: Named<f32>,
}

// An attribute has a few classes. An `IndexMap` would hash each of them for each user: on 20 classes that takes 1.5 µs instead
// of 0.6, where predicting a short post takes about 20.
/// Values by name in a fixed order, written as a JSON object.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(
        type = "Record<string, T>",
        bound = "T: ts_rs::TS",
        export_to = "protocol.d.ts"
    )
)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T> Named<T> {
    /// The value called `name`.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Named<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Named(entries))
            }
        }
        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}
