//! Bundles in files.

use std::path::{Path, PathBuf};

use model_core::bundle::Bundle;

use crate::limited;

/// Bundles have some megabytes; a file with more bytes than this cannot be one.
const MOST_BYTES: u64 = 2 << 30;

/// A file that cannot be used as a bundle.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct BundleFileError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub what: String,
}

/// Reads the bundle at `path`.
pub fn read_bundle(path: &Path) -> Result<Bundle, BundleFileError> {
    Bundle::from_bytes(&read_bytes(path)?).map_err(|error| BundleFileError {
        path: path.to_owned(),
        what: error.to_string(),
    })
}

/// Reads the bytes of the bundle at `path`, whatever they are.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, BundleFileError> {
    limited::read(path, MOST_BYTES, "a bundle").map_err(|error| BundleFileError {
        path: path.to_owned(),
        what: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let error = |what: &str| {
            let error = read_bundle(&path).unwrap_err();
            assert_eq!(error.path, path);
            assert!(error.to_string().contains(what), "{error}");
        };
        error("model.safetensors: No such file");
        std::fs::write(&path, "no bundle, but a text").unwrap();
        error("model.safetensors: the file is not an auxlstm bundle");
        // A file of holes, which takes no space.
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(MOST_BYTES + 1).unwrap();
        error("model.safetensors: too large for a bundle");
    }
}
