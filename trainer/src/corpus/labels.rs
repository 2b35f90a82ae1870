//! Labels that are not classes: reading them as classes, and listing them.

use std::collections::{BTreeMap, BTreeSet};

use model_core::attribute::Attribute;
use model_core::corpus::label_text;

use super::User;

/// The place of the attribute of this name.
///
/// # Errors
/// One line with the names of the attributes.
pub fn attribute_index(attributes: &[Attribute], name: &str) -> Result<usize, String> {
    let names: Vec<&str> = attributes
        .iter()
        .map(|attribute| attribute.name.as_str())
        .collect();
    let place = names.iter().position(|other| *other == name);
    place.ok_or_else(|| {
        format!(
            "there is no attribute {name:?}; permitted: {}",
            names.join(", ")
        )
    })
}

/// Labels that are read as classes, such as `F` as `female`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelMap {
    /// By attribute, the class of each of these labels.
    classes: BTreeMap<String, BTreeMap<String, String>>,
    /// The attributes and labels that a user had.
    found: BTreeSet<(String, String)>,
}

impl LabelMap {
    /// Reads `label` of an attribute as `class`.
    ///
    /// # Errors
    /// A label that is read as another class already, or that is unknown.
    pub fn add(&mut self, attribute: &str, label: &str, class: &str) -> Result<(), String> {
        let classes = self.classes.entry(attribute.to_owned()).or_default();
        // As the labels of users are.
        let label = label_text(&label.into())
            .ok_or_else(|| format!("the label {label:?} stands for an unknown one"))?;
        let before = classes.insert(label.clone(), class.to_owned());
        match before.filter(|before| before != class) {
            Some(before) => Err(format!(
                "the label {label:?} of {attribute:?} is read both as {before:?} and as {class:?}"
            )),
            None => Ok(()),
        }
    }

    /// The attributes with such labels.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.classes.keys().map(String::as_str)
    }

    /// Whether the labels are read as classes, or intervals of classes, of these attributes.
    ///
    /// # Errors
    /// One line that names the attribute or class, and what is permitted.
    pub fn check(&self, attributes: &[Attribute]) -> Result<(), String> {
        for (name, classes) in &self.classes {
            let attribute = &attributes[attribute_index(attributes, name)?];
            let is_other = |class: &&String| attribute.classes_of(class).is_none();
            if let Some(class) = classes.values().find(is_other) {
                let classes = attribute.classes.join(", ");
                return Err(format!(
                    "{name:?} has no class {class:?}; it has: {classes}"
                ));
            }
        }
        Ok(())
    }

    /// Replaces the labels of a user.
    pub(super) fn apply(&mut self, user: &mut User) {
        for (attribute, classes) in &self.classes {
            let Some(label) = user.label(attribute) else {
                continue;
            };
            if let Some(class) = classes.get(&label) {
                (user.fields).insert(attribute.clone(), class.clone().into());
                self.found.insert((attribute.clone(), label));
            }
        }
    }

    /// The note on the labels that no user had so far, which may be misspelt.
    pub(super) fn not_found(&self) -> Option<String> {
        let labels = self.classes.iter().flat_map(|(attribute, classes)| {
            classes
                .keys()
                .map(move |label| (attribute.clone(), label.clone()))
        });
        let missing: Vec<String> = labels
            .filter(|label| !self.found.contains(label))
            .map(|(attribute, label)| format!("{attribute} {label:?}"))
            .collect();
        (!missing.is_empty()).then(|| {
            format!(
                "no user has the label that is to be read as a class: {}",
                missing.join(", ")
            )
        })
    }
}

/// The most labels that are listed: a field of free text has thousands.
const MOST_LABELS: usize = 10;

/// Labels with their number of users in parentheses, most frequent first.
pub fn listed<'a>(labels: impl IntoIterator<Item = (&'a str, usize)>) -> String {
    let mut labels: Vec<(&str, usize)> = labels.into_iter().collect();
    labels.sort_by_key(|(_, users)| std::cmp::Reverse(*users));
    let mut shown: Vec<String> = (labels.iter().take(MOST_LABELS))
        .map(|(label, users)| format!("{label:?} ({users})"))
        .collect();
    if let Some(others) = labels
        .len()
        .checked_sub(MOST_LABELS)
        .filter(|&others| others > 0)
    {
        shown.push(format!("and {others} other labels"));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_classes_once() {
        let mut map = LabelMap::default();
        map.add("gender", " F ", "female").unwrap();
        map.add("gender", "1", "male").unwrap();
        map.add("gender", "male", "female").unwrap();
        map.add("gender", "Femal", "female").unwrap();
        let mut label = |record: &str| {
            let mut user = User::from_json(record).unwrap();
            map.apply(&mut user);
            user.label("gender")
        };
        for (value, expected) in [
            ("\"F\"", Some("female")),
            ("\" F\"", Some("female")),
            ("1", Some("male")),
            ("\"male\"", Some("female")),
            ("\"f\"", Some("f")),
            ("null", None),
        ] {
            let found = label(&format!("{{\"posts\": [], \"gender\": {value}}}"));
            assert_eq!(found.as_deref(), expected, "{value}");
        }
        let what = "no user has the label that is to be read as a class: gender \"Femal\"";
        assert_eq!(map.not_found().as_deref(), Some(what));
        let error = map.add("gender", "F", "male").unwrap_err();
        assert!(
            error.contains("both as \"female\" and as \"male\""),
            "{error}"
        );
    }

    #[test]
    fn few_of_many_labels_are_listed() {
        assert_eq!(listed([("a", 1), ("b", 2)]), "\"b\" (2), \"a\" (1)");
        let many: Vec<String> = (0..12).map(|label| label.to_string()).collect();
        let text = listed(many.iter().map(|label| (label.as_str(), 1)));
        assert!(text.ends_with("\"9\" (1), and 2 other labels"), "{text}");
    }
}
