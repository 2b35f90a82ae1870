//! The folder of a training run: settings, split, checkpoint, figures and, in the end, the bundle.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use model_core::card::AttributeFigures;

use super::{
    BUNDLE, CHECKPOINT, CONFIG, METRICS, REPORT, SPLIT, TrainError, checkpoint::Checkpoint,
    data::Data, metrics::EpochMetrics,
};
use crate::{
    config::{Config, ConfigError, Decay},
    document::Document,
    lock::FolderLock,
    output::{OutputError, PendingFile, make_folder},
    progress::notice,
    settings,
};

/// The folder of a run.
#[derive(Clone)]
pub struct RunFolder {
    path: PathBuf,
    /// The settings as TOML.
    settings: String,
    /// Keeps other processes out of the folder until the last clone is dropped.
    _lock: Arc<FolderLock>,
}

impl RunFolder {
    /// Creates the folder of a config, with the settings in it. With `resume` the folder may contain a checkpoint, which is
    /// returned.
    ///
    /// # Errors
    /// A folder that another process works in, that already contains a run and is not to be resumed, or a run with other
    /// settings.
    pub fn open(config: &Config, resume: bool) -> Result<(Self, Option<Checkpoint>), TrainError> {
        let settings = config.to_toml()?;
        // Before any work: the folder may not be writable.
        make_folder(&config.output)?;
        let folder = Self {
            path: config.output.clone(),
            settings,
            _lock: Arc::new(FolderLock::new(&config.output)?),
        };
        let name = folder.path.display();
        let checkpoint = folder.path.join(CHECKPOINT);
        if !checkpoint.exists() {
            if resume {
                notice!("{name} has no checkpoint, the run starts from the beginning");
            }
            folder.write_settings()?;
            return Ok((folder, None));
        }
        if !resume {
            return Err(TrainError::Unusable(format!(
                "{name} already contains a run; continue it with --resume, or choose another folder with --output"
            )));
        }
        let checkpoint = Checkpoint::read(&checkpoint)?;
        if let Some(difference) = difference(config, &checkpoint.settings, &folder.settings)? {
            return Err(TrainError::Unusable(format!(
                "{name} was started with other settings: {difference}"
            )));
        }
        Ok((folder, Some(checkpoint)))
    }

    /// Writes the settings and the split of the users.
    ///
    /// # Errors
    /// A checkpoint of a run on other data, given by its checksum.
    pub fn begin(
        &self,
        data: &Data,
        corpus: &[PathBuf],
        checksum: u32,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<(), TrainError> {
        if checkpoint.is_some_and(|checkpoint| checkpoint.data != checksum) {
            return Err(TrainError::Unusable(format!(
                "{} was started with other data: the corpus, the vectors or the dictionary has changed since",
                self.path.display()
            )));
        }
        self.write_settings()?;
        Ok(data.write_split(&self.path.join(SPLIT), corpus)?)
    }

    /// The settings as TOML.
    pub fn settings(&self) -> &str {
        &self.settings
    }

    /// The path of the bundle.
    pub fn bundle(&self) -> PathBuf {
        self.path.join(BUNDLE)
    }

    /// The path of the checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINT)
    }

    /// Writes the figures of the epochs, a line each, and a last line with the test figures if there are any.
    pub fn write_metrics(
        &self,
        epochs: &[EpochMetrics],
        test: Option<&[AttributeFigures]>,
    ) -> Result<(), OutputError> {
        PendingFile::create(&self.path.join(METRICS))?.finish(|out| {
            for epoch in epochs {
                serde_json::to_writer(&mut *out, epoch)?;
                out.write_all(b"\n")?;
            }
            if let Some(test) = test {
                serde_json::to_writer(&mut *out, &serde_json::json!({ "test": test }))?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    /// Writes the report on the run, as Markdown and as HTML.
    pub fn write_report(&self, document: &Document) -> Result<(), OutputError> {
        for (name, text) in REPORT
            .iter()
            .zip([document.to_markdown(), document.to_html()])
        {
            let file = PendingFile::create(&self.path.join(name))?;
            file.finish(|out| out.write_all(text.as_bytes()))?;
        }
        Ok(())
    }

    fn write_settings(&self) -> Result<(), OutputError> {
        let path: &Path = &self.path.join(CONFIG);
        PendingFile::create(path)?.finish(|out| out.write_all(self.settings.as_bytes()))
    }
}

/// The first setting that a refit must not change, and does, beside the model that it repeats; `None` also if the settings of that
/// model are not beside it. Files may have been moved since.
pub fn difference_to_refitted(config: &Config) -> Result<Option<String>, TrainError> {
    const FREE: [&str; 4] = ["output", "device", "strict", "training.checkpoint_steps"];
    let Ok(before) = std::fs::read_to_string(config.refit.with_file_name(CONFIG)) else {
        return Ok(None);
    };
    let Ok(before) = toml::from_str::<Config>(&before) else {
        return Ok(None);
    };
    let without_files = |config: &Config| {
        let mut config = config.clone();
        for path in [
            &mut config.vectors,
            &mut config.refit,
            &mut config.text.dictionary,
            &mut config.text.user_dictionary,
        ] {
            path.clear();
        }
        config.corpus.clear();
        for attribute in &mut config.attributes {
            attribute.corpora.clear();
        }
        config.to_toml()
    };
    let (before, now) = (without_files(&before)?, without_files(config)?);
    let is_free = |setting: &str| FREE.contains(&setting) || setting.starts_with("card.");
    let defaults = Config::default().to_toml()?;
    Ok(settings::first_difference(
        &before, &now, &defaults, is_free,
    ))
}

/// The first setting that a resumed run must not change, and does.
fn difference(config: &Config, before: &str, now: &str) -> Result<Option<String>, ConfigError> {
    /// They have no influence on the steps of training.
    const FREE: [&str; 5] = [
        "output",
        "accuracy_when_confident",
        "strict",
        "training.patience",
        "training.checkpoint_steps",
    ];
    let is_free = |setting: &str| {
        FREE.contains(&setting)
            // The wide component is fitted, and the card written, at the end of the run.
            || setting.starts_with("wide.")
            || setting.starts_with("card.")
            || setting == "training.epochs" && config.training.decay == Decay::None
    };
    let defaults = Config::default().to_toml()?;
    Ok(settings::first_difference(before, now, &defaults, is_free))
}
