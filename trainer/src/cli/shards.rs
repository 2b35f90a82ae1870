//! A folder of predictions that several processes write, a shard each.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Failure;
use crate::corpus::Shard;
use crate::output::{PendingFile, make_folder};

/// The name of the file with the settings begins like this; a checksum of them follows. Processes with other settings thus
/// write another file, and each looks for the others' after it has written its own: whatever the order, one of them notices.
/// Programs that read the folder as one table pass over names that begin with `_`.
const SETTINGS: &str = "_settings-";

/// The path of the file of a shard in `folder`, which is made if it is missing; `None` if the file is there already, since files
/// appear when they are complete.
///
/// # Errors
/// If the folder cannot be written, or holds shards of other `settings`.
pub(super) fn file_of(
    folder: &Path,
    shard: Shard,
    ending: &str,
    settings: &Value,
) -> Result<Option<PathBuf>, Failure> {
    make_folder(folder)?;
    let settings = json!({ "shards": shard.count(), "settings": settings });
    let settings = format!("{settings:#}\n");
    let name = format!(
        "{SETTINGS}{:08x}.json",
        crc32fast::hash(settings.as_bytes())
    );
    let own = folder.join(&name);
    let is_new = !own.exists();
    if is_new {
        PendingFile::create(&own)?.finish(|out| out.write_all(settings.as_bytes()))?;
    }
    for entry in std::fs::read_dir(folder)? {
        let other = entry?.path();
        let other_name = other.file_name().unwrap_or_default().to_string_lossy();
        if other == own || !other_name.starts_with(SETTINGS) || !other_name.ends_with(".json") {
            continue;
        }
        if is_new {
            std::fs::remove_file(&own)?;
        }
        return Err(format!(
            "{}: its shards have another number, model, input or flags, see {}; name another folder",
            folder.display(),
            other.display()
        )
        .into());
    }
    let path = folder.join(format!("part-{shard}.{ending}"));
    Ok((!path.exists()).then_some(path))
}
