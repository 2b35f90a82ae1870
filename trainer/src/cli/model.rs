//! The flags of every command that uses a trained model.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use clap::Args;
use columnar::{Model, checksum};
use model_core::attribute::Attribute;
use model_core::predictor::Predictor;

use super::{Failure, segmenter};
use crate::bundle::read_bytes;
use crate::device;

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
    /// The files that are read beside the bundle.
    pub(super) fn other_files(&self) -> Option<&Path> {
        self.dictionary.as_deref()
    }

    /// All files that are read.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.bundle.as_path()).chain(self.other_files())
    }

    pub(super) fn load(&self) -> Result<Predictor, Failure> {
        Ok(self.load_with_checksum()?.predictor)
    }

    pub(super) fn load_with_checksum(&self) -> Result<Model, Failure> {
        let bytes = read_bytes(&self.bundle)?;
        let predictor = load(
            &bytes,
            &self.bundle,
            &self.device,
            self.dictionary.as_deref(),
        )?;
        Ok(Model {
            predictor,
            checksum: checksum(&bytes),
        })
    }
}

/// The model in the `bytes` of a bundle, which errors call `name`.
pub(super) fn load(
    bytes: &[u8],
    name: &Path,
    device: &str,
    dictionary: Option<&Path>,
) -> Result<Predictor, Failure> {
    let fail = |what: &dyn Display| Failure::from(format!("{}: {what}", name.display()));
    let device = device::choose(device)?;
    let mut predictor = Predictor::load(bytes, &device).map_err(|error| fail(&error))?;
    if dictionary.is_some() {
        let segmenter = segmenter(dictionary, None)?;
        (predictor.use_segmenter(segmenter)).map_err(|error| fail(&error))?;
    } else if predictor.needs_dictionary() {
        return Err(fail(
            &"this model was trained with a Chinese dictionary; name it with --dictionary FILE",
        ));
    }
    Ok(predictor)
}

/// Checks that a model with these attributes predicts those that a flag names.
pub(super) fn check_attributes<'a>(
    flag: &str,
    wanted: impl IntoIterator<Item = &'a String>,
    attributes: &[Attribute],
) -> Result<(), Failure> {
    let names: Vec<&str> = attributes
        .iter()
        .map(|attribute| attribute.name.as_str())
        .collect();
    match wanted
        .into_iter()
        .find(|name| !names.contains(&name.as_str()))
    {
        Some(name) => {
            let names = names.join(", ");
            Err(format!("{flag} {name}: the model predicts {names}").into())
        }
        None => Ok(()),
    }
}
