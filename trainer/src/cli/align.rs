//! `auxlstm align`: the word vectors of two languages in one space.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::value_parser;

use super::{Failure, print, share};
use crate::alignment::{self, Alignment, Precision, Settings};
use crate::corpus::open_input;
use crate::output::PendingFile;
use crate::table::{Table, count, percent};
use crate::word2vec::{self, Format};

/// Put the word vectors of one language into the space of another's, and both into one file
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The vectors that are moved
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    /// The vectors that stay where they are
    #[arg(value_name = "TARGET")]
    target: PathBuf,
    /// Dictionary of the two languages: CC-CEDICT (Chinese and English), or a list of pairs, a line two words; also packed
    #[arg(long, value_name = "FILE")]
    dictionary: PathBuf,
    /// File to write the words of both to, the most frequent ones first: .bin for the binary format of word2vec, .txt or .vec
    /// for the text format
    #[arg(short, long, value_name = "VECTORS")]
    output: PathBuf,
    /// The most frequent words of each language, this many, are what pairs are found and tested among
    #[arg(long, default_value_t = 20_000, value_parser = value_parser!(u32).range(100..=200_000))]
    words: u32,
    /// Rounds of finding pairs that the dictionary lacks and learning from them too
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u32).range(0..=100))]
    rounds: u32,
    /// Share of the dictionary's words that are not learned from but measured on
    #[arg(long, default_value_t = 0.2, value_parser = share(0.9))]
    held_out: f64,
    /// Decides which words are held out
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let format = Format::of_name(&arguments.output).ok_or_else(|| {
        let name = arguments.output.display();
        format!("{name}: name it .bin, .txt or .vec")
    })?;
    let source = word2vec::read_vectors(&arguments.source)?;
    let target = word2vec::read_vectors(&arguments.target)?;
    let path = arguments.dictionary.display();
    let dictionary = open_input(&arguments.dictionary)
        .map_err(Into::into)
        .and_then(alignment::read_dictionary)
        .map_err(|error| format!("dictionary {path}: {error}"))?;
    let output = PendingFile::create(&arguments.output)?;
    let settings = Settings {
        words: arguments.words as usize,
        rounds: arguments.rounds as usize,
        held_out: arguments.held_out,
        seed: arguments.seed,
    };
    let alignment = alignment::align(&source, &target, &dictionary, &settings)?;
    output.finish(|out| word2vec::write_vectors(out, &alignment.vectors, format))?;
    print(&report(&alignment))?;
    eprintln!(
        "{}: {} words in {} dimensions",
        arguments.output.display(),
        alignment.vectors.words.len(),
        alignment.vectors.dimensions
    );
    Ok(ExitCode::SUCCESS)
}

/// What was learned from, and how well held-out words translate.
fn report(alignment: &Alignment) -> String {
    let mut table = Table::new([
        "round", "pairs", "words", "forth @1", "@5", "words", "back @1", "@5",
    ]);
    for (round, figures) in alignment.rounds.iter().enumerate() {
        let of = |precision: &Precision| {
            [
                count(precision.words as u64),
                percent(precision.at_1 as u64, precision.words as u64),
                percent(precision.at_5 as u64, precision.words as u64),
            ]
        };
        let mut row = vec![round.to_string(), count(figures.pairs as u64)];
        row.extend(of(&figures.forth));
        row.extend(of(&figures.back));
        table.row(row);
    }
    format!(
        "learned from {} pairs of the dictionary and {} words that both languages write; held-out words with a translation \
         among the nearest:\n\n{}",
        count(alignment.dictionary_pairs as u64),
        count(alignment.shared_words as u64),
        table
    )
}
