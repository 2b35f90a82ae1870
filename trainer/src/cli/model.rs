//! The flags of every command that uses a trained model.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use model_core::predictor::Predictor;

use super::{Failure, segmenter};
use crate::device;

/// Bundles have some megabytes; a file larger than this cannot be one.
const LARGEST_BUNDLE: u64 = 2 << 30;

#[derive(Args)]
pub(super) struct ModelArguments {
    /// The trained model, a bundle that `auxlstm train` wrote
    #[arg(value_name = "BUNDLE")]
    pub(super) bundle: PathBuf,
    /// The device that computes; `auxlstm devices` lists the devices
    #[arg(long, default_value = device::DEFAULT)]
    device: String,
    /// Dictionary in jieba's format for segmenting Chinese, may be compressed; required by a model trained with one
    #[arg(long, value_name = "FILE")]
    dictionary: Option<PathBuf>,
}

impl ModelArguments {
    pub(super) fn load(&self) -> Result<Predictor, Failure> {
        let name = self.bundle.display();
        let bytes = read_bundle(&self.bundle)?;
        let device = device::choose(&self.device)?;
        let mut predictor =
            Predictor::load(&bytes, &device).map_err(|error| format!("{name}: {error}"))?;
        if self.dictionary.is_some() {
            let segmenter = segmenter(self.dictionary.as_deref(), None)?;
            (predictor.use_segmenter(segmenter)).map_err(|error| format!("{name}: {error}"))?;
        } else if predictor.needs_dictionary() {
            return Err(format!(
                "{name}: this model was trained with a Chinese dictionary; name it with --dictionary FILE"
            )
            .into());
        }
        Ok(predictor)
    }
}

/// The bytes of a bundle's file; the error is that of reading it.
pub(super) fn read_bundle(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = path.display();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_BUNDLE + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("{name}: {error}"))?;
    if bytes.len() as u64 > LARGEST_BUNDLE {
        return Err(format!("{name}: too large for a bundle").into());
    }
    Ok(bytes)
}
