//! `auxlstm predict`: users in, predictions out, line by line.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use futures_lite::future::block_on;
use model_core::prediction::{Line, UserPrediction};
use serde_json::Value;

use super::model::ModelArguments;
use super::{Failure, StandardOutputError, report_bad_records};
use crate::corpus::{Corpus, Format, Options};
use crate::progress::Progress;

/// Predict the attributes of users, as JSONL in the order of the input
///
/// Each line is {"id": …, "words": …, "known_words": …, "predictions": {ATTRIBUTE: {"label": …, "probabilities":
/// {CLASS: …}, "groups": …}}}. A user without an id gets its position in the input, counted from 1. A bad record
/// is reported and left out; if there was one, the exit status is 3.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Users as JSONL or CSV, or posts as plain text (.txt), each a user; also packed; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// Take every line for the text of one user, whatever it looks like
    #[arg(long)]
    text: bool,
    /// Stop with an error at the first bad record instead of reporting it and leaving it out
    #[arg(long)]
    strict: bool,
}

/// The exit status when records were left out.
const BAD_RECORDS: u8 = 3;

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let predictor = arguments.model.load()?;
    let options = Options {
        strict: arguments.strict,
        format: arguments.text.then_some(Format::Text),
    };
    let mut corpus = Corpus::open(&[arguments.input], options)?;
    let stdout = io::stdout();
    // On a terminal the predictions themselves show how the work goes.
    let mut progress = (!stdout.is_terminal()).then(|| Progress::new("predicting", "users", None));
    if let Some(progress) = &progress {
        corpus = corpus.with_report(progress.bad_record_printer());
    }
    let mut out = BufWriter::new(stdout.lock());
    let mut done = 0;
    loop {
        let users = corpus.read_chunk()?;
        if users.is_empty() {
            break;
        }
        let (ids, posts): (Vec<Value>, Vec<Vec<String>>) = users
            .into_iter()
            .map(|user| (user.id(), user.posts))
            .unzip();
        let predictions = block_on(predictor.predict(&posts))?;
        done += predictions.len() as u64;
        write_lines(&mut out, ids, predictions)?;
        if let Some(progress) = &mut progress {
            progress.set(done);
        }
    }
    drop(progress);
    report_bad_records(&corpus);
    Ok(if corpus.bad_records() == 0 {
        ExitCode::SUCCESS
    } else {
        BAD_RECORDS.into()
    })
}

fn write_lines(
    out: &mut impl Write,
    ids: Vec<Value>,
    predictions: Vec<UserPrediction>,
) -> Result<(), StandardOutputError> {
    for (id, prediction) in ids.into_iter().zip(predictions) {
        Line { id, prediction }.write(&mut *out)?;
    }
    Ok(out.flush()?)
}
