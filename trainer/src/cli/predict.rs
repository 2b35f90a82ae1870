//! `auxlstm predict`: users in, predictions out, chunk by chunk.

use std::collections::HashSet;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use arrow_schema::DataType;
use clap::{ValueEnum, value_parser};
use columnar::{Model, Predicted, PredictionSchema};
use futures_lite::future::block_on;
use model_core::base_rates::BaseRates;
use model_core::prediction::{Line, UserPrediction};
use model_core::prediction_table::{PredictionTable, TableRow, WordEvidence, strongest_words};
use model_core::predictor::{PredictError, Predictor};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::base_rates::BaseRatesArgument;
use super::model::{ModelArguments, check_attributes};
use super::parquet::ParquetFile;
use super::prediction::each_chunk;
use super::{Failure, ReadingArguments, StandardOutputError, outputs, shards};
use crate::corpus::{Corpus, Shard, User, extent, known_fields};
use crate::output::{OutputError, PendingFile};
use crate::progress::{Progress, notice};

/// Predict the attributes of users, in the order of the input
///
/// By default each line is {"id": …, "words": …, "known_words": …, "predictions": {ATTRIBUTE: {"label": …, "confident": …,
/// "probabilities": {CLASS: …}, "coarse": …}}}. --format csv and jsonl write a table instead, with the columns id, the fields
/// of --keep, words, known_words, language (for a model of two), and for each attribute, here gender: gender,
/// gender_probability, gender_confident, gender_CLASS for each class, gender_evidence with --evidence, and gender_coarse… for
/// coarse classes. A CSV cell that a spreadsheet would take for a formula begins with an apostrophe. --format parquet writes the
/// columns id (as text), words, known_words, language, error (empty), a struct for each attribute, the lists of --evidence, and
/// the fields of --keep.
///
/// The id of a user without one is the position of its record in the input, counted from 1. Bad records are reported and
/// skipped; the exit status is 3 if there were any.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    base_rates: BaseRatesArgument,
    /// Users as JSON, in tables (CSV, TSV), in Parquet or Arrow files, or plain text (.txt) with a user on each line; may be
    /// compressed or in a zip or tar archive; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    input: PathBuf,
    #[command(flatten)]
    reading: ReadingArguments,
    /// Write a table with one row per user, or objects. By default a table if FILE of --output ends with .csv, .jsonl or
    /// .parquet, otherwise objects
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write to this file, which appears when it is complete, instead of standard output; with --shard a folder
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Predict only the I-th of N parts of the users, and write it as a file of the folder --output: Parquet, unless --format
    /// says otherwise. A part that is there is not predicted again, so a job array that is started again continues. Parts of a
    /// folder of tables are every N-th of its files, each with all posts of its users; parts of another input are chosen by the
    /// users' ids
    #[arg(long, value_name = "I/N", requires = "output")]
    shard: Option<Shard>,
    /// Write only this attribute. Can be repeated
    #[arg(long = "attribute", value_name = "NAME")]
    attributes: Vec<String>,
    /// Copy this field of the record into the table, as column record_FIELD if the table has a column FIELD. Can be repeated
    #[arg(long = "keep", value_name = "FIELD")]
    kept: Vec<String>,
    /// Add to the table the WORDS words that speak most for the predicted class, each with its evidence: the decrease of the
    /// log odds of the class, in nats, when the word is removed. Reads each text many times
    #[arg(long, value_name = "WORDS", value_parser = value_parser!(u32).range(1..))]
    evidence: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// JSONL, one object per user with an object per attribute
    Objects,
    /// A table as CSV
    Csv,
    /// A table as JSONL, one object without objects per user
    Jsonl,
    /// A Parquet file with a struct per attribute; needs --output
    Parquet,
}

impl Format {
    /// The ending of names of such files.
    fn ending(self) -> &'static str {
        match self {
            Self::Objects | Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// The exit status if records were skipped.
const BAD_RECORDS: u8 = 3;

pub(super) fn run(mut arguments: Arguments) -> Result<ExitCode, Failure> {
    let mut kept = HashSet::new();
    arguments.kept.retain(|field| kept.insert(field.clone()));
    let format = arguments.format()?;
    arguments.check(format)?;
    arguments.check_output()?;
    let Model {
        mut predictor,
        checksum,
    } = arguments.model.load_with_checksum()?;
    let base_rates = arguments.base_rates.read()?;
    predictor.use_base_rates(base_rates.clone())?;
    check_attributes("--attribute", &arguments.attributes, predictor.attributes())?;
    let path = match (&arguments.output, arguments.shard) {
        (Some(folder), Some(shard)) => {
            let settings = arguments.settings(format, &checksum, &base_rates)?;
            let Some(path) = shards::file_of(folder, shard, format.ending(), &settings)? else {
                notice!("{}: shard {shard} is complete", folder.display());
                return Ok(ExitCode::SUCCESS);
            };
            Some(path)
        }
        (output, _) => output.clone(),
    };
    let mut options = arguments.reading.options()?;
    options.shard = arguments.shard;
    let mut sample = block_on(predictor.predict(&[Vec::new()]))?;
    select(&mut sample, &arguments.attributes);
    let table = PredictionTable::new(
        sample.first(),
        arguments.kept.clone(),
        arguments.evidence.is_some(),
    );
    let rows = Rows {
        predictor,
        format,
        table,
        arguments,
    };
    let corpus = Corpus::open(std::slice::from_ref(&rows.arguments.input), options)?
        .with_fields(&rows.arguments.kept);
    let bad_records = match path {
        Some(path) => {
            let mut file = PendingFile::create(&path)?;
            let bad_records = match format {
                Format::Parquet => rows.write_parquet(corpus, &checksum, &mut file)?,
                _ => rows.write(corpus, true, &mut file)?,
            };
            file.finish(|_| Ok(()))?;
            bad_records
        }
        None => {
            let stdout = io::stdout();
            // On a terminal, the predictions themselves are the progress.
            let shows_progress = !stdout.is_terminal();
            rows.write(corpus, shows_progress, &mut BufWriter::new(stdout.lock()))?
        }
    };
    Ok(match bad_records {
        0 => ExitCode::SUCCESS,
        _ => BAD_RECORDS.into(),
    })
}

impl Arguments {
    /// What shards in one folder must have in common.
    fn settings(
        &self,
        format: Format,
        checksum: &str,
        base_rates: &BaseRates,
    ) -> Result<Value, Failure> {
        let file = |path: &Path| -> Result<Value, String> {
            let extent = extent(path).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(json!([path.display().to_string(), extent]))
        };
        Ok(json!({
            "model": checksum,
            "dictionary": self.model.other_files().map(file).transpose()?,
            "input": file(&self.input)?,
            "reading": format!("{:?}", self.reading),
            "labels": self.reading.label_file().map(file).transpose()?,
            "base_rates": base_rates,
            "format": format!("{format:?}"),
            "attributes": self.attributes,
            "keep": self.kept,
            "evidence": self.evidence,
        }))
    }

    fn format(&self) -> Result<Format, Failure> {
        if self.shard.is_some() {
            return Ok(self.format.unwrap_or(Format::Parquet));
        }
        let (None, Some(path)) = (self.format, &self.output) else {
            return Ok(self.format.unwrap_or(Format::Objects));
        };
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        match ending.to_str() {
            Some("csv") => Ok(Format::Csv),
            Some("jsonl") => Ok(Format::Jsonl),
            Some("parquet") => Ok(Format::Parquet),
            _ => Err(format!(
                "{}: ends with none of .csv, .jsonl and .parquet; name the format with --format",
                path.display()
            )
            .into()),
        }
    }

    /// Checks that the output is none of the files that are read.
    fn check_output(&self) -> Result<(), Failure> {
        let read = (self.model.files().chain([self.input.as_path()]))
            .chain(self.reading.label_file())
            .chain(self.base_rates.file());
        outputs::check(&self.output, read)
    }

    /// Checks the flags that only some formats have.
    fn check(&self, format: Format) -> Result<(), Failure> {
        if format == Format::Parquet && self.output.is_none() {
            return Err("--format parquet writes to a file: name it with -o FILE".into());
        }
        let of_tables = [
            ("--keep", !self.kept.is_empty()),
            ("--evidence", self.evidence.is_some()),
        ];
        match of_tables.iter().find(|(_, is_given)| *is_given) {
            Some((flag, _)) if format == Format::Objects => {
                return Err(
                    format!("{flag} needs a table: add --format csv, jsonl or parquet").into(),
                );
            }
            _ => {}
        }
        match self
            .kept
            .iter()
            .find(|field| ["posts", "text"].contains(&field.as_str()))
        {
            Some(field) => Err(format!(
                "--keep {field}: the text is not copied; join the table with your records by id"
            )
            .into()),
            None => Ok(()),
        }
    }
}

/// Keeps the predictions of these attributes, or all if none is named.
fn select(predictions: &mut [UserPrediction], attributes: &[String]) {
    for prediction in predictions {
        let of_user = &mut prediction.predictions.0;
        of_user.retain(|(name, _)| attributes.is_empty() || attributes.contains(name));
    }
}

/// What is written for each user.
struct Rows {
    predictor: Predictor,
    format: Format,
    table: PredictionTable,
    arguments: Arguments,
}

impl Rows {
    /// Writes the predictions for the users of a corpus. Returns the number of bad records.
    fn write(
        &self,
        corpus: Corpus,
        shows_progress: bool,
        out: &mut dyn Write,
    ) -> Result<u64, Failure> {
        if self.format == Format::Csv {
            self.put(out, self.table.csv_header().as_bytes())?;
        }
        let bad_records =
            self.each_chunk(corpus, shows_progress, |users, posts, predictions| {
                let evidence = self.evidence(posts)?;
                for ((user, prediction), evidence) in users.iter().zip(predictions).zip(evidence) {
                    self.put(out, &self.row(user, prediction, evidence)?)?;
                }
                self.flush(out)
            })?;
        self.flush(out)?;
        Ok(bad_records)
    }

    /// Writes the predictions as a Parquet file. Returns the number of bad records.
    fn write_parquet(
        &self,
        corpus: Corpus,
        checksum: &str,
        file: &mut PendingFile,
    ) -> Result<u64, Failure> {
        let mut attributes = self.predictor.attributes().to_vec();
        let wanted = &self.arguments.attributes;
        attributes.retain(|attribute| wanted.is_empty() || wanted.contains(&attribute.name));
        let name = &self.predictor.card().name;
        let mut output = PredictionSchema::new(name, checksum, &attributes, DataType::Utf8);
        if self.arguments.evidence.is_some() {
            output = output.with_evidence();
        }
        let fail = |error| self.fail(io::Error::other(error));
        let mut out = ParquetFile::new(file, output, &self.arguments.kept).map_err(fail)?;
        let bad_records = self.each_chunk(corpus, true, |users, posts, predictions| {
            let outcomes = (predictions.into_iter().zip(self.evidence(posts)?))
                .map(|(prediction, words)| Ok(Predicted { prediction, words }));
            out.write(users, &outcomes.collect::<Vec<_>>())
                .map_err(fail)
        })?;
        out.finish().map_err(fail)?;
        Ok(bad_records)
    }

    /// Predicts the users of a corpus and gives `handle` one chunk after the other: users, their posts and the predictions.
    /// Reports the fields of --keep that no user has. Returns the number of bad records.
    fn each_chunk(
        &self,
        corpus: Corpus,
        shows_progress: bool,
        mut handle: impl FnMut(&[User], &[Vec<String>], Vec<UserPrediction>) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let progress = shows_progress.then(|| Progress::new("predicting", "users", None));
        let mut missing: HashSet<&String> = self.arguments.kept.iter().collect();
        let mut is_empty = true;
        let bad_records = each_chunk(corpus, progress, |_, mut users| {
            is_empty &= users.is_empty();
            missing.retain(|field| !users.iter().any(|user| user.fields.contains_key(*field)));
            let posts: Vec<Vec<String>> = (users.iter_mut())
                .map(|user| std::mem::take(&mut user.posts))
                .collect();
            let mut predictions = block_on(self.predictor.predict(&posts))?;
            select(&mut predictions, &self.arguments.attributes);
            handle(&users, &posts, predictions)?;
            Ok(users.len() as u64)
        })?;
        if is_empty {
            let input = self.arguments.input.display();
            notice!("{input}: there are no users to predict");
        } else if !missing.is_empty() {
            let options = self.arguments.reading.options()?;
            let fields = known_fields(std::slice::from_ref(&self.arguments.input), &options);
            for field in missing {
                notice!("--keep {field}: no record has this field{fields}");
            }
        }
        Ok(bad_records)
    }

    fn row(
        &self,
        user: &User,
        prediction: UserPrediction,
        evidence: Vec<WordEvidence>,
    ) -> Result<Vec<u8>, Failure> {
        let id = user.id();
        let row = |prediction| TableRow {
            id: &id,
            fields: Some(&user.fields),
            prediction,
            evidence,
        };
        let text = match self.format {
            Format::Csv => self.table.csv_row(&row(&prediction))?,
            Format::Jsonl => self.table.json_row(&row(&prediction))?,
            Format::Objects | Format::Parquet => {
                let mut bytes = Vec::new();
                Line { id, prediction }.write(&mut bytes)?;
                return Ok(bytes);
            }
        };
        Ok(text.into_bytes())
    }

    /// The strongest words for each user, empty if none are wanted.
    fn evidence(&self, users: &[Vec<String>]) -> Result<Vec<Vec<WordEvidence>>, PredictError> {
        let Some(count) = self.arguments.evidence else {
            return Ok(vec![Vec::new(); users.len()]);
        };
        let of_user = |posts: &Vec<String>| {
            let mut explanation = block_on(self.predictor.explain(posts))?;
            let prediction = std::slice::from_mut(&mut explanation.prediction);
            select(prediction, &self.arguments.attributes);
            Ok(strongest_words(&explanation, posts, count as usize))
        };
        users.par_iter().map(of_user).collect()
    }

    fn put(&self, out: &mut dyn Write, bytes: &[u8]) -> Result<(), Failure> {
        out.write_all(bytes).map_err(|error| self.fail(error))
    }

    fn flush(&self, out: &mut dyn Write) -> Result<(), Failure> {
        out.flush().map_err(|error| self.fail(error))
    }

    /// The error of a write.
    fn fail(&self, error: io::Error) -> Failure {
        match &self.arguments.output {
            Some(path) => OutputError {
                path: path.clone(),
                source: error,
            }
            .into(),
            None => StandardOutputError(error).into(),
        }
    }
}
