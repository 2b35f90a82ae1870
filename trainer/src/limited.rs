//! Reading whole files of limited length, so that no file can claim all memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use model_core::corpus::Encoding;

/// The bytes of a file. `what` is the kind of file that is expected, such as "a bundle".
///
/// # Errors
/// If the file cannot be read or has more than `most` bytes.
pub fn read(path: &Path, most: u64, what: &str) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.len() > most {
        return Err(too_large(what));
    }
    // A pipe or a device does not know its length.
    read_all(file, most, what)
}

/// The bytes that are left in a reader, such as that of a compressed file, see [`read`].
pub fn read_all(reader: impl Read, most: u64, what: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(too_large(what)),
        false => Ok(bytes),
    }
}

/// Bytes as text.
///
/// # Errors
/// If they are not UTF-8.
pub fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to() + 1;
        let other = Encoding::recognise(error.as_bytes()).filter(|other| *other != Encoding::Utf8);
        let hint =
            other.map(|other| format!(" (it seems to be {}; save it as UTF-8)", other.name()));
        let what = format!("invalid UTF-8 at byte {place}{}", hint.unwrap_or_default());
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

fn too_large(what: &str) -> io::Error {
    io::Error::other(format!("too large for {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_files_claimed_all_memory() {
        let error = |bytes: io::Result<Vec<u8>>| bytes.unwrap_err().to_string();
        let endless = read_all(io::repeat(b'x'), 1 << 20, "a split");
        assert_eq!(error(endless), "too large for a split");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "four").unwrap();
        assert_eq!(read(&path, 4, "a split").unwrap(), b"four");
        assert_eq!(error(read(&path, 3, "a split")), "too large for a split");
        let error = text(b"ab\xff".to_vec()).unwrap_err().to_string();
        assert!(error.starts_with("invalid UTF-8 at byte 3"), "{error}");
        let error = text(b"\xff\xfea\0b\0".to_vec()).unwrap_err().to_string();
        assert!(
            error.ends_with("(it seems to be UTF-16LE; save it as UTF-8)"),
            "{error}"
        );
    }
}
