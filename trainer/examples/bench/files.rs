//! Files of numbers.

use std::{fs, path::Path};

use crate::Failure;

/// All numbers of a file of little-endian f32.
pub fn floats(folder: &Path, name: &str) -> Result<Vec<f32>, Failure> {
    Ok((quads(folder, name)?.into_iter())
        .map(f32::from_le_bytes)
        .collect())
}

/// All numbers of a file of little-endian i32.
pub fn integers(folder: &Path, name: &str) -> Result<Vec<i32>, Failure> {
    Ok((quads(folder, name)?.into_iter())
        .map(i32::from_le_bytes)
        .collect())
}

fn quads(folder: &Path, name: &str) -> Result<Vec<[u8; 4]>, Failure> {
    let bytes = fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
    Ok(bytes.as_chunks::<4>().0.to_vec())
}

/// The numbers of a file that must hold `count` of them.
pub fn exactly(folder: &Path, name: &str, count: usize) -> Result<Vec<f32>, Failure> {
    let values = floats(folder, name)?;
    if values.len() != count {
        return Err(format!("{name} has {} numbers instead of {count}", values.len()).into());
    }
    Ok(values)
}

/// Writes numbers as little-endian bytes.
pub fn write(
    folder: &Path,
    name: &str,
    bytes: impl Iterator<Item = [u8; 4]>,
) -> Result<(), Failure> {
    Ok(fs::write(
        folder.join(name),
        bytes.flatten().collect::<Vec<u8>>(),
    )?)
}
