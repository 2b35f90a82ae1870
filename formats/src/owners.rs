//! Whose the archives of accounts are: an input may have those of several accounts, each in a folder of its own.

use std::collections::HashMap;

use crate::Files;

/// The owners of archives.
pub(crate) struct Owners {
    /// The folder of the archive that a file is in, with `/` at its end.
    root: fn(&str) -> &str,
    by_root: HashMap<String, String>,
}

impl Owners {
    pub(crate) fn new(root: fn(&str) -> &str) -> Self {
        Self {
            root,
            by_root: HashMap::new(),
        }
    }

    /// Sets the owner of the archive that a file of the account is in.
    pub(crate) fn insert(&mut self, name: &str, owner: Option<String>) {
        if let Some(owner) = owner.filter(|owner| !owner.is_empty()) {
            self.by_root.insert((self.root)(name).to_owned(), owner);
        }
    }

    /// The owner of the archive that a file is in. Without a file of the account this is the place of the archive, so that
    /// several inputs are several users.
    pub(crate) fn of(&self, files: &dyn Files, name: &str) -> String {
        if let Some(owner) = self.by_root.get((self.root)(name)) {
            return owner.clone();
        }
        let place = files.place(name);
        match (self.root)(&place).trim_end_matches('/') {
            "" => "me".to_owned(),
            root => root.to_owned(),
        }
    }

    /// The owner, if only one is known.
    pub(crate) fn only(&self) -> Option<String> {
        let mut owners = self.by_root.values();
        let owner = owners.next()?;
        owners.all(|other| other == owner).then(|| owner.clone())
    }
}
