//! Files in memory: those of a compressed tar archive, where it cannot be unpacked to a disk.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use model_core::corpus::Packing;
use model_core::file_kind::KIND_BYTES;

use crate::Files;
use crate::containers::{is_file, is_packed};

/// The text files of an archive, and those compressed by themselves with gzip.
pub struct MemoryFiles {
    place: String,
    names: Vec<String>,
    contents: HashMap<String, Vec<u8>>,
}

impl MemoryFiles {
    /// Reads a tar archive once, from front to end; `place` is its name for messages. Pictures, videos and other binary files
    /// are left out. Of files that are compressed in another way than with gzip only the begin is kept, which names the way.
    ///
    /// # Errors
    /// If it is not a whole tar archive, or its text takes more than `most_bytes`.
    pub fn from_tar(reader: impl Read, place: &str, most_bytes: usize) -> io::Result<Self> {
        let mut contents = HashMap::new();
        let mut left = most_bytes as u64;
        for entry in tar::Archive::new(reader).entries()? {
            let mut entry = entry?;
            let name = entry.path()?.to_string_lossy().into_owned();
            let name = name.trim_start_matches("./").to_owned();
            if !entry.header().entry_type().is_file() || !is_file(&name) {
                continue;
            }
            let mut content = Vec::new();
            (&mut entry)
                .take(KIND_BYTES as u64)
                .read_to_end(&mut content)?;
            if is_binary(&content) && Packing::by_content(&content) != Some(Packing::Gzip) {
                if is_packed(&name) {
                    contents.insert(name, content);
                }
                continue;
            }
            let missing = || {
                let limit = most_bytes >> 20;
                io::Error::other(format!("more than {limit} MiB of text; unpack it first"))
            };
            left = left.checked_sub(entry.size()).ok_or_else(missing)?;
            entry.read_to_end(&mut content)?;
            contents.insert(name, content);
        }
        let mut names: Vec<String> = contents.keys().cloned().collect();
        names.sort_unstable();
        Ok(Self {
            place: place.to_owned(),
            names,
            contents,
        })
    }
}

impl Files for MemoryFiles {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self, name: &str) -> String {
        format!("{}/{name}", self.place)
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn BufRead + '_>> {
        let content = self.contents.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(content.as_slice()))
    }
}

/// Whether bytes are no text. Only text in UTF-16 has zeros.
fn is_binary(head: &[u8]) -> bool {
    let is_utf16 = head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF");
    head.contains(&0) && !is_utf16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tar archive of these files.
    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, name, *content).unwrap();
        }
        archive.into_inner().unwrap()
    }

    #[test]
    fn text_is_kept_and_pictures_are_not() {
        let long = "text ".repeat(2_000);
        let bytes = archive(&[
            ("./a/picture.jpg", b"\xFF\xD8\xFF\xE0\0\x10JFIF\0"),
            ("./a/outbox.json", long.as_bytes()),
            ("utf16.txt", b"\xFF\xFEa\0"),
        ]);
        let mut files = MemoryFiles::from_tar(bytes.as_slice(), "x.tar.gz", 1 << 20).unwrap();
        assert_eq!(files.names(), ["a/outbox.json", "utf16.txt"]);
        assert_eq!(files.place("utf16.txt"), "x.tar.gz/utf16.txt");
        let mut text = String::new();
        let mut file = files.open("a/outbox.json").unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, long);
    }

    #[test]
    fn text_beyond_the_limit_and_cut_off_archives_are_errors() {
        let bytes = archive(&[("a.txt", &[b'a'; 6_000]), ("b.txt", &[b'b'; 6_000])]);
        let open = |bytes: &[u8]| MemoryFiles::from_tar(bytes, "x", 10_000).err().unwrap();
        assert!(open(&bytes).to_string().contains("unpack it first"));
        assert!(MemoryFiles::from_tar(bytes.as_slice(), "x", 12_000).is_ok());
        open(&bytes[..4_000]);
    }
}
