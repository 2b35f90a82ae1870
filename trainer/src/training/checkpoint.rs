//! A training run's state on disk, from which it goes on as if it had never stopped.

use std::{collections::HashMap, path::Path};

use model_core::parameters::NamedTensor;
use safetensors::{
    SafeTensors,
    tensor::{Dtype, TensorView},
};
use serde::{Deserialize, Serialize};

use super::EpochMetrics;
use crate::output::{OutputError, PendingFile};

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Whole epochs behind it.
    pub epoch: usize,
    /// Batches done of the epoch in hand.
    pub batch: usize,
    /// Steps of the optimiser behind it, over all epochs.
    pub step: u64,
    /// The sum of the cost over the epoch's batches so far, each times its users.
    pub loss_sum: f64,
    /// The users of those batches.
    pub loss_users: usize,
    /// The figures of the epochs behind it.
    pub history: Vec<EpochMetrics>,
    /// The index in `history` of the best epoch.
    pub best: Option<usize>,
}

/// All that a run needs to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The settings of the run, as TOML; going on with others would give another result.
    pub config: String,
    /// The checksum of the data that is learned from; going on with other data would give another result too.
    pub data: u32,
    /// Where the run stands.
    pub progress: Progress,
    /// The network's parameters.
    pub parameters: Vec<NamedTensor>,
    /// The parameters of the best epoch so far; empty before the first is over.
    pub best_parameters: Vec<NamedTensor>,
    /// The optimiser's state as burn writes it.
    pub optimiser: Vec<u8>,
}

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It cannot be read from disk.
    #[error("cannot read the checkpoint {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not a checkpoint, or a damaged one.
    #[error("{path} is no usable checkpoint: {what}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
}

const METADATA_KEY: &str = "auxlstm_checkpoint";
const OPTIMISER: &str = "optimiser";
const CURRENT: &str = "current.";
const BEST: &str = "best.";

#[derive(Serialize, Deserialize)]
struct Metadata {
    config: String,
    data: u32,
    progress: Progress,
}

impl Checkpoint {
    /// Writes the checkpoint to `path`, replacing an older one only when it is whole.
    pub fn write(&self, path: &Path) -> Result<(), OutputError> {
        let file = PendingFile::create(path)?;
        file.finish(|out| out.write_all(&self.to_bytes()?))
    }

    fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        let parameters = || {
            let current = self.parameters.iter().map(|parameter| (CURRENT, parameter));
            current.chain(
                self.best_parameters
                    .iter()
                    .map(|parameter| (BEST, parameter)),
            )
        };
        let bytes: Vec<Vec<u8>> = parameters()
            .map(|(_, parameter)| {
                parameter
                    .values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect()
            })
            .collect();
        let optimiser = TensorView::new(Dtype::U8, vec![self.optimiser.len()], &self.optimiser);
        let mut views = vec![(
            OPTIMISER.to_owned(),
            optimiser.map_err(std::io::Error::other)?,
        )];
        for ((prefix, parameter), bytes) in parameters().zip(&bytes) {
            let view = TensorView::new(Dtype::F32, parameter.shape.clone(), bytes)
                .map_err(std::io::Error::other)?;
            views.push((format!("{prefix}{}", parameter.name), view));
        }
        let metadata = Metadata {
            config: self.config.clone(),
            data: self.data,
            progress: self.progress.clone(),
        };
        // TOML, because its floats come back exactly; the JSON library's may lose their last bit.
        let metadata = toml::to_string(&metadata).map_err(std::io::Error::other)?;
        let metadata = HashMap::from([(METADATA_KEY.to_owned(), metadata)]);
        safetensors::serialize(views, Some(metadata)).map_err(std::io::Error::other)
    }

    /// Reads the checkpoint at `path`.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let name = || path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| CheckpointError::File {
            path: name(),
            source,
        })?;
        Self::from_bytes(&bytes).map_err(|what| CheckpointError::Damaged { path: name(), what })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let text = header
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(METADATA_KEY));
        let Metadata {
            config,
            data,
            progress,
        } = toml::from_str(text.ok_or("it has no checkpoint's metadata")?)
            .map_err(|error| error.message().to_owned())?;
        let mut checkpoint = Self {
            config,
            data,
            progress,
            parameters: Vec::new(),
            best_parameters: Vec::new(),
            optimiser: Vec::new(),
        };
        for (name, view) in SafeTensors::deserialize(bytes)
            .map_err(|error| error.to_string())?
            .tensors()
        {
            let saved = |name: &str| NamedTensor {
                name: name.to_owned(),
                shape: view.shape().to_vec(),
                values: view
                    .data()
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|bytes| f32::from_le_bytes(*bytes))
                    .collect(),
            };
            if name == OPTIMISER {
                checkpoint.optimiser = view.data().to_vec();
            } else if let Some(name) = name.strip_prefix(CURRENT) {
                checkpoint.parameters.push(saved(name));
            } else if let Some(name) = name.strip_prefix(BEST) {
                checkpoint.best_parameters.push(saved(name));
            }
        }
        Ok(checkpoint)
    }
}
