//! A check that no output of a command overwrites one of its inputs, or another output.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::corpus::repeated_file;

/// Checks that each of these outputs is a file of its own, none of the inputs, and in no folder that is an input. What is no
/// regular file, such as `/dev/null`, may be several of them. An output can be a folder, in which files of its own are made.
///
/// # Errors
/// The path of an output that is another one, or an input.
pub(super) fn check<'a>(
    outputs: impl IntoIterator<Item = &'a PathBuf>,
    inputs: impl IntoIterator<Item = &'a Path>,
) -> Result<(), Failure> {
    let inputs: Vec<&Path> = inputs.into_iter().collect();
    let folders: Vec<PathBuf> = (inputs.iter())
        .filter(|input| input.is_dir())
        .map(|folder| real_path(folder))
        .collect();
    let is_file = |path: &Path| path.metadata().is_ok_and(|file| file.is_file());
    let mut earlier: Vec<PathBuf> = Vec::new();
    for output in outputs {
        if output.exists() && !is_file(output) && !output.is_dir() {
            continue;
        }
        let place = real_path(output);
        let name = output.display();
        if folders.iter().any(|folder| place.starts_with(folder)) {
            return Err(format!(
                "{name}: in a folder that the command reads; name an output elsewhere"
            )
            .into());
        }
        let is = |other: &Path| repeated_file(&[other.to_owned(), output.clone()]).is_some();
        if inputs.iter().any(|input| is_file(input) && is(input)) {
            return Err(format!("{name}: the command reads this file; name another output").into());
        }
        if earlier.iter().any(|other| is(other)) {
            return Err(format!("{name}: two outputs have this name; name another file").into());
        }
        earlier.push(output.clone());
    }
    Ok(())
}

/// Where a path leads, as far as it exists: the rest of it is made later.
fn real_path(path: &Path) -> PathBuf {
    let mut above = path
        .ancestors()
        .map(|path| match path.as_os_str().is_empty() {
            true => Path::new("."),
            false => path,
        });
    (above.find_map(|path| path.canonicalize().ok())).unwrap_or_else(|| path.to_owned())
}
