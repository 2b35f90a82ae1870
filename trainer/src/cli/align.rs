//! `auxlstm align`: aligns the word vectors of two languages.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::value_parser;

use super::{Failure, outputs, print_text, share};
use crate::alignment::{self, Alignment, Precision, Settings};
use crate::corpus::{open_input, repeated_file};
use crate::limited;
use crate::output::PendingFile;
use crate::progress::notice;
use crate::table::{Table, count, percent};
use crate::word2vec::{self, Format};

/// The most bytes of a bilingual dictionary. CC-CEDICT has 10 million.
const MOST_BYTES: u64 = 256 << 20;

/// Map the word vectors of one language into the space of another, and write both to one file
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The vectors to map. If SOURCE and TARGET are the same file, one of embed --translations, those of Chinese words
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    /// The vectors that stay as they are
    #[arg(value_name = "TARGET")]
    target: PathBuf,
    /// Bilingual dictionary: CC-CEDICT (Chinese and English), or a list with two words on each line; may be compressed
    #[arg(long, value_name = "FILE")]
    dictionary: PathBuf,
    /// File for the words of both languages, most frequent first: .bin for the binary format of word2vec, .txt or .vec for the
    /// text format
    #[arg(short, long, value_name = "VECTORS")]
    output: PathBuf,
    /// Number of words of each language, most frequent first, that can be in pairs
    #[arg(long, default_value_t = Settings::default().words as u32, value_parser = value_parser!(u32).range(100..=200_000))]
    words: u32,
    /// Rounds that add mutual nearest neighbours to the pairs of the dictionary
    #[arg(long, default_value_t = Settings::default().rounds as u32, value_parser = value_parser!(u32).range(0..=100))]
    rounds: u32,
    /// Share of the dictionary's words that are held out to measure the alignment
    #[arg(long, default_value_t = Settings::default().held_out, value_parser = share(0.9))]
    held_out: f64,
    /// Seed that selects the held-out words. `auxlstm embed --translations` holds out those of the default, so measure its vectors
    /// with that
    #[arg(long, default_value_t = Settings::default().seed)]
    seed: u64,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let format = Format::of_name(&arguments.output).ok_or_else(|| {
        let name = arguments.output.display();
        format!("{name}: unknown format; name the file .bin, .txt or .vec")
    })?;
    let read = [&arguments.source, &arguments.target, &arguments.dictionary];
    outputs::check([&arguments.output], read.map(PathBuf::as_path))?;
    let source = word2vec::read_vectors(&arguments.source)?;
    let is_same = repeated_file(&[arguments.source.clone(), arguments.target.clone()]).is_some();
    let (source, target) = match is_same {
        true => alignment::by_script(&source),
        false => (source, word2vec::read_vectors(&arguments.target)?),
    };
    let dictionary = read_dictionary(&arguments.dictionary)?;
    let output = PendingFile::create(&arguments.output)?;
    let settings = Settings {
        words: arguments.words as usize,
        rounds: arguments.rounds as usize,
        held_out: arguments.held_out,
        seed: arguments.seed,
    };
    let alignment = alignment::align(&source, &target, &dictionary, &settings)?;
    output.finish(|out| word2vec::write_vectors(out, &alignment.vectors, format))?;
    print_text(&report(&alignment))?;
    notice!(
        "{}: {} words in {} dimensions",
        arguments.output.display(),
        alignment.vectors.words.len(),
        alignment.vectors.dimensions
    );
    Ok(ExitCode::SUCCESS)
}

/// The pairs of a bilingual dictionary.
pub(super) fn read_dictionary(path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let pairs = open_input(path)
        .and_then(|reader| limited::read_all(reader, MOST_BYTES, "a bilingual dictionary"))
        .map_err(Into::into)
        .and_then(|bytes| alignment::read_dictionary(bytes.as_slice()));
    Ok(pairs.map_err(|error| format!("dictionary {}: {error}", path.display()))?)
}

/// The number of pairs, and the precision on held-out words after each round.
fn report(alignment: &Alignment) -> String {
    let mut table = Table::new([
        "round", "pairs", "words", "forth @1", "@5", "words", "back @1", "@5",
    ]);
    for (round, figures) in alignment.rounds.iter().enumerate() {
        let of = |precision: &Precision| {
            let words = precision.words as u64;
            let share = |part: usize| match words {
                0 => "–".to_owned(),
                _ => percent(part as u64, words),
            };
            [count(words), share(precision.at_1), share(precision.at_5)]
        };
        let mut row = vec![round.to_string(), count(figures.pairs as u64)];
        row.extend(of(&figures.forth));
        row.extend(of(&figures.back));
        table.row(row);
    }
    format!(
        "learned from {} pairs of the dictionary and {} shared words; held-out words with a translation among the \
         nearest:\n\n{}",
        count(alignment.dictionary_pairs as u64),
        count(alignment.shared_words as u64),
        table
    )
}
