//! A file of labels beside a file of posts.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use model_core::corpus::{
    LabelFields, Problem, Reading, User, are_other, id_key, is_unknown, open_labels,
};
use serde_json::{Map, Value};

use super::columnar;
use super::container::{self, Opened};
use super::reader::{BadRecord, CorpusError};
use crate::progress::notice;
use crate::table::counted;

/// Labels of users by their ids, from a file.
#[derive(Clone, Debug)]
pub struct LabelFile {
    path: PathBuf,
    /// By [`id_key`], the fields of a user.
    users: HashMap<String, Map<String, Value>>,
    /// How many users of the corpus have labels in it.
    found: u64,
    /// The users who had another label of an attribute.
    contradicted: u64,
    /// The fields that may hold labels.
    names: HashSet<String>,
}

impl LabelFile {
    /// Reads all labels of a file. Of a user who is in it twice, the first label of an attribute is taken, and a message says
    /// how many users have others.
    ///
    /// # Errors
    /// If the file cannot be read, or a record of it has no id.
    pub fn read(path: &Path, reading: &Reading) -> Result<Self, CorpusError> {
        let file = |source| CorpusError::File {
            path: path.to_owned(),
            source,
        };
        let foreign = |what| CorpusError::Foreign {
            path: path.to_owned(),
            what,
        };
        let labels = match container::open(path, false).map_err(file)? {
            Opened::Container(_) => {
                Err("a folder or an archive, where a file of labels is needed".into())
            }
            Opened::Columns(head, file) => columnar::labels(file, &head, reading),
            Opened::File(head, reader) => open_labels(path, &head, reader, reading),
        };
        let mut users: HashMap<String, Map<String, Value>> = HashMap::new();
        let mut ambiguous = HashSet::new();
        let mut fields = LabelFields::new(&reading.columns);
        let mut names = HashSet::new();
        for labels in labels.map_err(foreign)? {
            match labels {
                Ok((id, labels)) => {
                    for name in labels.keys() {
                        if !names.contains(name) && fields.contains(name) {
                            names.insert(name.clone());
                        }
                    }
                    let known = users.entry(id.clone()).or_default();
                    let mut attributes = reading.columns.attributes();
                    if attributes.any(|name| has_other(known, &labels, name)) {
                        ambiguous.insert(id);
                    }
                    add(known, &labels);
                }
                Err(Problem::Note(_)) => {}
                Err(Problem::Record { line, what }) => {
                    let path = path.to_owned();
                    return Err(CorpusError::BadLabels(BadRecord { path, line, what }));
                }
                Err(Problem::Stream(source)) => return Err(file(source)),
            }
        }
        if !ambiguous.is_empty() {
            notice!(
                "{}: {} with more than one label of an attribute; the first one in the file is read",
                path.display(),
                counted(ambiguous.len() as u64, "user")
            );
        }
        Ok(Self {
            path: path.to_owned(),
            users,
            found: 0,
            contradicted: 0,
            names,
        })
    }

    /// Gives a user the labels that the file has and the user has not.
    pub fn apply(&mut self, user: &mut User) {
        let labels = user.own_id().and_then(|id| self.users.get(&*id_key(id)));
        if let Some(labels) = labels {
            self.found += 1;
            let mut names = self.names.iter();
            let contradicts = names.any(|name| has_other(&user.fields, labels, name));
            self.contradicted += u64::from(contradicts);
            add(&mut user.fields, labels);
        }
    }

    /// How many users had labels.
    pub(crate) fn summary(&self) -> String {
        let contradicted = match self.contradicted {
            0 => String::new(),
            users => format!(
                "; {} with another label in the corpus, which is kept",
                counted(users, "user")
            ),
        };
        format!(
            "{}: has labels of {}, {} of whom are in the corpus{contradicted}",
            self.path.display(),
            counted(self.users.len() as u64, "user"),
            self.found
        )
    }
}

/// Whether a user with these fields has another label of this name than the one in `labels`.
fn has_other(fields: &Map<String, Value>, labels: &Map<String, Value>, name: &str) -> bool {
    let both = fields.get(name).zip(labels.get(name));
    both.is_some_and(|(known, label)| are_other(known, label))
}

fn add(fields: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (name, value) in more {
        if fields.get(name).is_none_or(is_unknown) {
            fields.insert(name.clone(), value.clone());
        }
    }
}
