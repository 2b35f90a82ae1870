//! The state of a training run on disk. A run that continues from it gives the same bundle as one that was never stopped.

use std::{collections::HashMap, io, path::Path};

use model_core::parameters::{NamedTensor, checksum};
use safetensors::{
    SafeTensors,
    tensor::{Dtype, TensorView},
};
use serde::{Deserialize, Serialize};

use super::EpochMetrics;
use crate::{
    limited,
    output::{OutputError, PendingFile},
};

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Finished epochs.
    pub epoch: usize,
    /// Finished batches of the current epoch.
    pub batch: usize,
    /// Steps of the optimiser in all epochs.
    pub step: u64,
    /// The sum of the cost over the current epoch's batches, each times its users.
    pub loss_sum: f64,
    /// The users of those batches.
    pub loss_users: usize,
    /// The figures of the finished epochs.
    pub history: Vec<EpochMetrics>,
    /// The index in `history` of the best epoch.
    pub best: Option<usize>,
}

/// The most users in the batches of one epoch, where a user of many words counts several times. No memory holds so many.
const MOST_USERS: usize = u32::MAX as usize;

impl Progress {
    /// Checks that the numbers fit one another, because a damaged file may hold any.
    fn check(&self) -> Result<(), String> {
        let epochs = self.history.len();
        if self.epoch != epochs {
            return Err(format!(
                "it has {} finished epochs and the figures of {epochs}",
                self.epoch
            ));
        }
        if self.loss_users > MOST_USERS {
            return Err(format!(
                "it has the cost of {} users in an epoch",
                self.loss_users
            ));
        }
        match self.best {
            None if epochs > 0 => Err("none of its epochs is the best".into()),
            Some(best) if best >= epochs => Err(format!(
                "its best epoch has the index {best}, of {epochs} epochs"
            )),
            _ => Ok(()),
        }
    }

    /// Checks that a run with epochs of `batches` batches can have come so far.
    pub fn check_batch(&self, batches: usize) -> Result<(), String> {
        if self.batch > batches {
            return Err(format!(
                "it has {} finished batches of {batches} in its epoch",
                self.batch
            ));
        }
        let most = (self.epoch as u64)
            .saturating_mul(batches as u64)
            .saturating_add(self.batch as u64);
        match self.step <= most {
            true => Ok(()),
            false => Err(format!(
                "it has {} steps of the {most} that its epochs can have",
                self.step
            )),
        }
    }
}

/// All that a run needs to continue.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The settings of the run, as TOML. With others the result would differ.
    pub settings: String,
    /// The checksum of the data. With other data the result would differ too.
    pub data: u32,
    /// How far the run has come.
    pub progress: Progress,
    /// The network's parameters.
    pub parameters: Vec<NamedTensor>,
    /// The parameters of the best epoch so far; empty before the end of the first epoch.
    pub best_parameters: Vec<NamedTensor>,
    /// The state of trained word vectors; empty if they are frozen.
    pub vectors: Vec<NamedTensor>,
    /// The optimiser's state as burn writes it.
    pub optimiser: Vec<u8>,
}

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be read.
    #[error("cannot read the checkpoint {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's error.
        source: io::Error,
    },
    /// The file is damaged or is not a checkpoint.
    #[error("{path} is not a usable checkpoint: {what}; delete it to start from the beginning")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
}

/// The most bytes of a checkpoint. Large ones have a table of trained word vectors with its state, some gigabytes.
const MOST_BYTES: u64 = 16 << 30;
const METADATA_KEY: &str = "auxlstm_checkpoint";
/// The metadata entry with the checksum of the other one and of the tensors.
const CHECKSUM_KEY: &str = "checksum";
const OPTIMISER: &str = "optimiser";

#[derive(Serialize, Deserialize)]
struct Metadata {
    settings: String,
    data: u32,
    progress: Progress,
}

impl Checkpoint {
    /// Writes the checkpoint to `path`. An older one is replaced only when the new one is complete.
    pub fn write(&self, path: &Path) -> Result<(), OutputError> {
        let file = PendingFile::create(path)?;
        file.finish(|out| out.write_all(&self.to_bytes().map_err(io::Error::other)?))
    }

    fn to_bytes(&self) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let groups = [
            ("current", &self.parameters),
            ("best", &self.best_parameters),
            ("vectors", &self.vectors),
        ];
        let tensors: Vec<(String, &NamedTensor, Vec<u8>)> = (groups.into_iter())
            .flat_map(|(group, tensors)| tensors.iter().map(move |tensor| (group, tensor)))
            .map(|(group, tensor)| {
                let name = format!("{group}.{}", tensor.name);
                (name, tensor, tensor.to_bytes())
            })
            .collect();
        let optimiser = TensorView::new(Dtype::U8, vec![self.optimiser.len()], &self.optimiser)?;
        let mut views = vec![(OPTIMISER.to_owned(), optimiser)];
        for (name, tensor, bytes) in &tensors {
            views.push((name.clone(), tensor.view(bytes)?));
        }
        // TOML, because its floats are read back exactly; those of the JSON library may lose their last bit.
        let metadata = toml::to_string(&Metadata {
            settings: self.settings.clone(),
            data: self.data,
            progress: self.progress.clone(),
        })?;
        let checksum = checksum_of(&metadata, &views);
        let metadata = HashMap::from([
            (METADATA_KEY.to_owned(), metadata),
            (CHECKSUM_KEY.to_owned(), checksum),
        ]);
        Ok(safetensors::serialize(views, Some(metadata))?)
    }

    /// Reads the checkpoint at `path`.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let name = || path.display().to_string();
        let bytes = limited::read(path, MOST_BYTES, "a checkpoint").map_err(|source| {
            CheckpointError::File {
                path: name(),
                source,
            }
        })?;
        Self::from_bytes(&bytes).map_err(|what| CheckpointError::Damaged { path: name(), what })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let entry = |key: &str| header.metadata().as_ref()?.get(key);
        let text = entry(METADATA_KEY).ok_or("it has no checkpoint's metadata")?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let views = tensors.tensors();
        if entry(CHECKSUM_KEY) != Some(&checksum_of(text, &views)) {
            return Err("its contents do not match its checksum".into());
        }
        let Metadata {
            settings,
            data,
            progress,
        } = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        toml::from_str::<toml::Table>(&settings)
            .map_err(|error| format!("its settings cannot be read: {}", error.message()))?;
        progress.check()?;
        let mut checkpoint = Self {
            settings,
            data,
            progress,
            parameters: Vec::new(),
            best_parameters: Vec::new(),
            vectors: Vec::new(),
            optimiser: Vec::new(),
        };
        let optimiser = (tensors.tensor(OPTIMISER)).map_err(|error| error.to_string())?;
        checkpoint.optimiser = optimiser.data().to_vec();
        for (full_name, view) in views {
            if full_name == OPTIMISER {
                continue;
            }
            let unknown = || format!("it has an unknown tensor {full_name}");
            let (group, name) = full_name.split_once('.').ok_or_else(unknown)?;
            let tensor = NamedTensor::from_view(name, &view)?;
            match group {
                "current" => checkpoint.parameters.push(tensor),
                "best" => checkpoint.best_parameters.push(tensor),
                "vectors" => checkpoint.vectors.push(tensor),
                _ => return Err(unknown()),
            }
        }
        Ok(checkpoint)
    }
}

/// The checksum of a checkpoint's metadata and tensors.
fn checksum_of(metadata: &str, tensors: &[(String, TensorView)]) -> String {
    let tensors = tensors.iter().map(|(name, view)| (name.as_str(), view));
    checksum(&[metadata], tensors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let tensor = |name: &str, values: &[f32]| NamedTensor {
            name: name.into(),
            shape: vec![values.len()],
            values: values.to_vec(),
        };
        Checkpoint {
            settings: "seed = 1".into(),
            data: 7,
            progress: Progress {
                epoch: 1,
                loss_sum: 0.1 + 0.2,
                history: vec![EpochMetrics {
                    epoch: 1,
                    training_loss: 0.7,
                    validation_loss: 0.6,
                    score: -0.6,
                    tasks: Vec::new(),
                }],
                best: Some(0),
                ..Progress::default()
            },
            parameters: vec![tensor("tasks.0.output", &[0.1, -0.0])],
            best_parameters: vec![tensor("tasks.0.output", &[0.2, 1e-30])],
            vectors: vec![tensor("0.best", &[]), tensor("0.rows", &[1.5; 3])],
            optimiser: vec![1, 2, 3],
        }
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        checkpoint().write(&path).unwrap();
        let mut read = Checkpoint::read(&path).unwrap();
        read.vectors.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(read, checkpoint());
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 4]).unwrap();
        let error = Checkpoint::read(&path).unwrap_err().to_string();
        assert!(error.contains("is not a usable checkpoint"), "{error}");
    }

    #[test]
    fn indices_of_a_damaged_checkpoint_were_used_unchecked() {
        type Damage = fn(&mut Checkpoint);
        let damages: [(Damage, &str); 6] = [
            (
                |checkpoint| checkpoint.progress.loss_users = usize::MAX / 2,
                "it has the cost of 9223372036854775807 users",
            ),
            (
                |checkpoint| checkpoint.progress.best = Some(1),
                "its best epoch has the index 1, of 1 epochs",
            ),
            (
                |checkpoint| checkpoint.progress.best = None,
                "none of its epochs is the best",
            ),
            (
                |checkpoint| checkpoint.progress.epoch = 2,
                "it has 2 finished epochs and the figures of 1",
            ),
            (
                |checkpoint| checkpoint.progress.history.clear(),
                "it has 1 finished epochs and the figures of 0",
            ),
            (
                |checkpoint| checkpoint.settings = "seed = ".into(),
                "its settings cannot be read",
            ),
        ];
        for (damage, what) in damages {
            let mut checkpoint = checkpoint();
            damage(&mut checkpoint);
            let bytes = checkpoint.to_bytes().unwrap();
            let error = Checkpoint::from_bytes(&bytes).unwrap_err();
            assert!(error.starts_with(what), "{error}");
        }
        let progress = Progress {
            batch: 3,
            ..Progress::default()
        };
        assert_eq!(progress.check_batch(3), Ok(()));
        let error = progress.check_batch(2).unwrap_err();
        assert_eq!(error, "it has 3 finished batches of 2 in its epoch");
        let progress = Progress {
            step: 7,
            ..progress
        };
        let error = progress.check_batch(4).unwrap_err();
        assert_eq!(error, "it has 7 steps of the 3 that its epochs can have");
    }

    #[test]
    fn a_changed_bit_of_a_checkpoint_gave_another_model() {
        let bytes = checkpoint().to_bytes().unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert!(Checkpoint::from_bytes(&changed).is_err(), "byte {place}");
        }
        let mut changed = bytes;
        *changed.last_mut().unwrap() ^= 0x80;
        let error = Checkpoint::from_bytes(&changed).unwrap_err();
        assert_eq!(error, "its contents do not match its checksum");
    }

    #[test]
    fn numbers_of_another_type_were_read_as_32_bit_floats() {
        let metadata = toml::to_string(&Metadata {
            settings: String::new(),
            data: 7,
            progress: Progress::default(),
        });
        let metadata = metadata.unwrap();
        let optimiser = TensorView::new(Dtype::U8, vec![0], &[]).unwrap();
        let bias = TensorView::new(Dtype::F64, vec![1], &[0; 8]).unwrap();
        let tensors = [(OPTIMISER, optimiser), ("current.bias", bias)]
            .map(|(name, view)| (name.to_owned(), view));
        let checksum = checksum_of(&metadata, &tensors);
        let metadata = HashMap::from([
            (METADATA_KEY.to_owned(), metadata),
            (CHECKSUM_KEY.to_owned(), checksum),
        ]);
        let bytes = safetensors::serialize(tensors, Some(metadata)).unwrap();
        let error = Checkpoint::from_bytes(&bytes).unwrap_err();
        assert!(error.contains("F64 instead of F32"), "{error}");
    }

    #[test]
    fn fuzz_checkpoints() {
        let checkpoint = checkpoint();
        let whole = checkpoint.to_bytes().unwrap();
        fuzzing::fuzz("checkpoint", &[&whole], |bytes| {
            drop(Checkpoint::from_bytes(bytes));
        });
        // Damage gets further where the checksum is that of the damaged metadata.
        let metadata = toml::to_string(&Metadata {
            settings: checkpoint.settings,
            data: checkpoint.data,
            progress: checkpoint.progress,
        });
        let views = SafeTensors::deserialize(&whole).unwrap().tensors();
        fuzzing::fuzz("metadata of a checkpoint", &[metadata.unwrap()], |bytes| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let checksum = checksum_of(&text, &views);
            let metadata = HashMap::from([
                (METADATA_KEY.to_owned(), text),
                (CHECKSUM_KEY.to_owned(), checksum),
            ]);
            let views = views.iter().map(|(name, view)| (name, view));
            let bytes = safetensors::serialize(views, Some(metadata)).unwrap();
            drop(Checkpoint::from_bytes(&bytes));
        });
    }
}
