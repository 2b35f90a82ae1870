//! Whose the archives of accounts are: an input may have those of several accounts, each in a folder of its own.

use std::collections::HashMap;
use std::io;

use crate::Files;

/// The owners of archives.
pub(crate) struct Owners {
    /// The folder of the archive that a file is in, with `/` at its end.
    root: fn(&str) -> &str,
    by_root: HashMap<String, String>,
}

impl Owners {
    /// Finds the owners. `owner_of` is called with each file of the input, and returns the owner that a file of an account names.
    ///
    /// # Errors
    /// Those of `owner_of`.
    pub(crate) fn find(
        files: &mut dyn Files,
        root: fn(&str) -> &str,
        mut owner_of: impl FnMut(&mut dyn Files, &str) -> io::Result<Option<String>>,
    ) -> io::Result<Self> {
        let mut by_root = HashMap::new();
        for name in files.names().to_vec() {
            if let Some(owner) = owner_of(files, &name)?.filter(|owner| !owner.is_empty()) {
                by_root.insert(root(&name).to_owned(), owner);
            }
        }
        Ok(Self { root, by_root })
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
