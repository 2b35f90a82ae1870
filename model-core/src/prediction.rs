//! What a prediction is: for each attribute a distribution over its classes.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

use crate::language::Language;

/// The index of the largest value, the first of equally large ones; none of no value.
pub fn largest(values: &[f32]) -> Option<usize> {
    (0..values.len()).reduce(|best, other| {
        if values[other] > values[best] {
            other
        } else {
            best
        }
    })
}

/// What is predicted about one user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserPrediction {
    /// The words of the user's text that the model read.
    pub words: usize,
    /// How many of these words the model's vocabulary knows.
    pub known_words: usize,
    /// The language of the text, from a model that reads Chinese and another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// A prediction per attribute, in the order of the model's tasks; a JSON object by attribute name.
    pub predictions: Named<AttributePrediction>,
}

/// A user with their prediction, as `auxlstm predict` prints it: a JSON object a line.
#[cfg(feature = "corpus")]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The user's id, which may be any JSON value.
    pub id: serde_json::Value,
    /// What is predicted about the user.
    #[serde(flatten)]
    pub prediction: UserPrediction,
}

#[cfg(feature = "corpus")]
impl Line {
    /// Writes the line and its end.
    pub fn write(&self, mut out: impl std::io::Write) -> std::io::Result<()> {
        serde_json::to_writer(&mut out, self)?;
        out.write_all(b"\n")
    }
}

/// The distribution over one attribute's classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttributePrediction {
    /// The most probable class; `null` when the text holds no word that the model knows.
    pub label: Option<String>,
    /// Whether the label is probable enough to be the answer, by the model's own threshold.
    pub confident: bool,
    /// The probability of each class, in the order of the attribute's classes; a JSON object by class.
    pub probabilities: Named<f32>,
    /// Whether it was learned from writers in another language than the text's, and not shown to work in this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transferred: bool,
    /// The same over the attribute's coarse (age bands over single years), where it has coarse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coarse: Option<CoarsePrediction>,
}

/// The distribution over an attribute's coarse of classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoarsePrediction {
    /// The most probable group, which need not hold the most probable class; `null` as for the class.
    pub label: Option<String>,
    /// Whether that group is probable enough.
    pub confident: bool,
    /// The probability of each group: the sum over its classes.
    pub probabilities: Named<f32>,
}

/// Values by name in a fixed order, written as a JSON object.
#[derive(Clone, Debug, PartialEq)]
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
