//! A check that no output of a command overwrites one of its inputs, or another output.

use std::path::PathBuf;

use super::Failure;
use crate::corpus::repeated_file;

/// Checks that each of these outputs is a file of its own, and none of the inputs. What is no regular file, such as
/// `/dev/null`, may be several of them.
///
/// # Errors
/// The path of an output that is another one, or an input.
pub(super) fn check<'a>(
    outputs: impl IntoIterator<Item = &'a PathBuf>,
    inputs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<(), Failure> {
    let is_replaced = |path: &&PathBuf| path.metadata().is_ok_and(|file| file.is_file());
    let inputs: Vec<&PathBuf> = inputs.into_iter().filter(is_replaced).collect();
    let mut earlier: Vec<PathBuf> = Vec::new();
    for output in outputs {
        if output.exists() && !is_replaced(&output) {
            continue;
        }
        let is = |other: &PathBuf| repeated_file(&[other.clone(), output.clone()]).is_some();
        if inputs.iter().any(|input| is(input)) {
            let output = output.display();
            return Err(
                format!("{output}: the command reads this file; name another output").into(),
            );
        }
        if earlier.iter().any(is) {
            let output = output.display();
            return Err(format!("{output}: two outputs have this name; name another file").into());
        }
        earlier.push(output.clone());
    }
    Ok(())
}
