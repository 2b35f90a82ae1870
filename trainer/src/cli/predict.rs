//! `auxlstm predict`: users in, predictions out, line by line.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use model_core::prediction::Line;

use super::base_rates::BaseRatesArgument;
use super::model::ModelArguments;
use super::prediction::predict_chunks;
use super::{Failure, ReadingArguments, StandardOutputError};
use crate::corpus::Corpus;
use crate::progress::Progress;

/// Predict the attributes of users, as JSONL in the order of the input
///
/// Each line is {"id": …, "words": …, "known_words": …, "predictions": {ATTRIBUTE: {"label": …, "confident": …,
/// "probabilities": {CLASS: …}, "coarse": …}}}. The id of a user without one is the position of its record in the input,
/// counted from 1. Bad records are reported and skipped; the exit status is 3 if there were any.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    base_rates: BaseRatesArgument,
    /// Users as JSON or in tables (CSV, TSV), or plain text (.txt) with a user on each line; may be compressed or in a zip or
    /// tar archive; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    input: PathBuf,
    #[command(flatten)]
    reading: ReadingArguments,
}

/// The exit status if records were skipped.
const BAD_RECORDS: u8 = 3;

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let mut predictor = arguments.model.load()?;
    predictor.use_base_rates(arguments.base_rates.read()?)?;
    let corpus = Corpus::open(&[arguments.input], arguments.reading.options()?)?;
    let stdout = io::stdout();
    // On a terminal, the predictions themselves are the progress.
    let progress = (!stdout.is_terminal()).then(|| Progress::new("predicting", "users", None));
    let mut out = BufWriter::new(stdout.lock());
    let bad_records = predict_chunks(&predictor, corpus, None, progress, |users, predictions| {
        for (user, prediction) in users.into_iter().zip(predictions) {
            let id = user.id();
            let line = Line { id, prediction };
            line.write(&mut out).map_err(StandardOutputError)?;
        }
        Ok(out.flush().map_err(StandardOutputError)?)
    })?;
    Ok(match bad_records {
        0 => ExitCode::SUCCESS,
        _ => BAD_RECORDS.into(),
    })
}
