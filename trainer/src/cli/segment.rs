//! `auxlstm segment`: the words that models read.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use rayon::prelude::*;

use super::{
    CorpusArguments, DictionaryArguments, Failure, StandardOutputError, report_bad_records,
};
use crate::cut_words;

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
    let mut corpus = arguments.corpus.open()?.with_fields(None::<&str>);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut words_cut = 0;
    while let Some(users) = corpus.read_chunk()? {
        let posts: Vec<String> = users.into_iter().flat_map(|user| user.posts).collect();
        let lines: Vec<(String, u64)> = (posts.par_iter())
            .map(|post| {
                let words = segmenter.words(post);
                let cut = cut_words::count(&words);
                let words = words.into_iter().map(|word| word.text);
                (words.collect::<Vec<_>>().join(" ") + "\n", cut)
            })
            .collect();
        for (line, cut) in lines {
            words_cut += cut;
            (out.write_all(line.as_bytes())).map_err(StandardOutputError)?;
        }
    }
    out.flush().map_err(StandardOutputError)?;
    report_bad_records(&corpus);
    cut_words::report(words_cut);
    Ok(ExitCode::SUCCESS)
}
