//! The flags of every command that uses a trained model.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use model_core::predictor::Predictor;

use super::Failure;
use crate::corpus::open_input;
use crate::device;

/// Models are some megabytes; a file larger than this is none.
const LARGEST_BUNDLE: u64 = 2 << 30;

#[derive(Args)]
pub(super) struct ModelArguments {
    /// The trained model, as `auxlstm train` writes it
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// What computes; `auxlstm devices` lists what there is
    #[arg(long, default_value = device::DEFAULT)]
    device: String,
    /// Dictionary of jieba for cutting Chinese into words, also packed; needed if the model was trained with one
    #[arg(long, value_name = "FILE")]
    dictionary: Option<PathBuf>,
}

impl ModelArguments {
    pub(super) fn load(&self) -> Result<Predictor, Failure> {
        let name = self.bundle.display();
        let mut bytes = Vec::new();
        File::open(&self.bundle)
            .and_then(|file| file.take(LARGEST_BUNDLE).read_to_end(&mut bytes))
            .map_err(|error| format!("{name}: {error}"))?;
        let device = device::choose(&self.device)?;
        let mut predictor =
            Predictor::load(&bytes, &device).map_err(|error| format!("{name}: {error}"))?;
        if let Some(path) = &self.dictionary {
            let fail =
                |error: &dyn std::fmt::Display| format!("dictionary {}: {error}", path.display());
            let reader = open_input(path).map_err(|error| fail(&error))?;
            predictor
                .use_dictionary(reader)
                .map_err(|error| fail(&error))?;
        }
        Ok(predictor)
    }
}
