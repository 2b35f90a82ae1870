//! The files that were given singly, as one input.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Seek};

use formats::Files;

use super::unpacked;

/// Files with unique names.
pub(super) struct Loose<R> {
    names: Vec<String>,
    files: HashMap<String, File<R>>,
}

struct File<R> {
    /// Its place in the list of all given files.
    place: usize,
    reader: R,
    /// Whether it is compressed with gzip.
    is_packed: bool,
}

impl<R> Default for Loose<R> {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            files: HashMap::new(),
        }
    }
}

impl<R> Loose<R> {
    /// Adds a file. A second one of the same name gets a folder before it.
    pub fn add(&mut self, place: usize, name: String, reader: R, is_packed: bool) {
        let name = match self.files.contains_key(&name) {
            true => format!("{}/{name}", place + 1),
            false => name,
        };
        let file = File {
            place,
            reader,
            is_packed,
        };
        self.names.push(name.clone());
        self.files.insert(name, file);
    }

    /// Lists only these files from now on.
    pub fn show(&mut self, names: Vec<String>) {
        self.names = names;
    }

    /// The place of a file in the list of all given files, and whether it is compressed.
    pub fn place_of(&self, name: &str) -> (usize, bool) {
        let file = self.files.get(name);
        file.map_or((0, false), |file| (file.place, file.is_packed))
    }
}

impl<R: Read + Seek> Files for Loose<R> {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self, name: &str) -> String {
        name.to_owned()
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn BufRead + '_>> {
        let file = self.files.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        file.reader.rewind()?;
        Ok(match file.is_packed {
            true => Box::new(BufReader::new(unpacked(&mut file.reader)?)),
            false => Box::new(BufReader::new(&mut file.reader)),
        })
    }
}
