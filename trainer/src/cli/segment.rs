//! `auxlstm segment`: the words that models read.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use rayon::prelude::*;

use super::{
    CorpusArguments, DictionaryArguments, Failure, StandardOutputError, report_bad_records,
};

/// Print the words that models read, one post on each line
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    corpus: CorpusArguments,
    #[command(flatten)]
    dictionaries: DictionaryArguments,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let segmenter = arguments.dictionaries.segmenter()?;
    let mut corpus = arguments.corpus.open()?;
    let mut out = BufWriter::new(io::stdout().lock());
    while let Some(users) = corpus.read_chunk()? {
        let posts: Vec<String> = users.into_iter().flat_map(|user| user.posts).collect();
        let lines: Vec<String> = (posts.par_iter())
            .map(|post| {
                let words = segmenter.words(post).into_iter().map(|word| word.text);
                words.collect::<Vec<_>>().join(" ") + "\n"
            })
            .collect();
        for line in lines {
            (out.write_all(line.as_bytes())).map_err(StandardOutputError)?;
        }
    }
    out.flush().map_err(StandardOutputError)?;
    report_bad_records(&corpus);
    Ok(ExitCode::SUCCESS)
}
