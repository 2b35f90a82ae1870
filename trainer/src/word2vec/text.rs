//! The text from which vectors are trained.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::ops::ControlFlow;

use skip_gram::{Source, Vocabulary, WordCounts};

use super::TrainingError;
use crate::temporary::TemporaryFile;

/// Bytes of text that a thread reads at a time.
const PART: u64 = 1 << 20;

/// Segmented text in a temporary file: one post on each line, words separated by spaces.
pub struct Text {
    pub(super) file: TemporaryFile,
    pub(super) counts: WordCounts,
    words: u64,
    bytes: u64,
}

/// Writes a [`Text`].
pub struct TextWriter {
    file: BufWriter<TemporaryFile>,
    counts: WordCounts,
    words: u64,
    bytes: u64,
}

impl TextWriter {
    /// An empty text.
    pub fn new() -> Result<Self, TrainingError> {
        let file = TemporaryFile::create("auxlstm-words-", &std::env::temp_dir(), None)
            .map_err(TrainingError::TemporaryFile)?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 20, file),
            counts: WordCounts::default(),
            words: 0,
            bytes: 0,
        })
    }

    /// Adds one post. Words with white space are left out.
    pub fn add_post<'a>(
        &mut self,
        words: impl Iterator<Item = &'a str>,
    ) -> Result<(), TrainingError> {
        let mut is_first = true;
        for word in words.filter(|word| is_trainable(word)) {
            if !is_first {
                self.write(b" ")?;
            }
            is_first = false;
            self.write(word.as_bytes())?;
            self.counts.add(word);
            self.words += 1;
        }
        match is_first {
            true => Ok(()),
            false => self.write(b"\n"),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TrainingError> {
        self.bytes += bytes.len() as u64;
        (self.file.write_all(bytes)).map_err(TrainingError::TemporaryFile)
    }

    /// Completes the text.
    pub fn finish(self) -> Result<Text, TrainingError> {
        let fail = |error: io::IntoInnerError<_>| TrainingError::TemporaryFile(error.into_error());
        Ok(Text {
            file: self.file.into_inner().map_err(fail)?,
            counts: self.counts,
            words: self.words,
            bytes: self.bytes,
        })
    }
}

/// Whether a word can stand in the file, and in files of vectors.
fn is_trainable(word: &str) -> bool {
    !word.is_empty() && !word.contains(|letter: char| letter.is_whitespace() || letter == '\0')
}

impl Text {
    /// The number of words.
    pub fn words(&self) -> u64 {
        self.words
    }

    /// The number of different words that occur at least `min_count` times.
    pub fn vocabulary(&self, min_count: u32) -> usize {
        self.counts.at_least(min_count.into())
    }

    /// The largest number of occurrences of any word that may not be counted, because there are too many different words to
    /// count them all.
    pub fn missed(&self) -> u64 {
        self.counts.missed()
    }

    /// Divides the text into its file and its words that occur at least `min_count` times.
    pub(super) fn with_vocabulary(self, min_count: u32) -> TextWithIds {
        TextWithIds {
            file: self.file,
            bytes: self.bytes,
            vocabulary: self.counts.vocabulary(min_count.into()),
        }
    }
}

/// A text that is read as ids of words.
pub(super) struct TextWithIds {
    file: TemporaryFile,
    bytes: u64,
    pub(super) vocabulary: Vocabulary,
}

impl Source for TextWithIds {
    type Error = io::Error;

    fn parts(&self) -> usize {
        self.bytes.div_ceil(PART) as usize
    }

    /// Reads the posts that begin in a part.
    fn read(
        &self,
        part: usize,
        visit: &mut dyn FnMut(&[u32]) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let (mut place, mut line) = (part as u64 * PART, Vec::new());
        let end = place + PART;
        let mut file = File::open(self.file.path())?;
        // One byte earlier, because a post that begins at the start of the part has the end of a line before it.
        file.seek(SeekFrom::Start(place.saturating_sub(1)))?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        if place > 0 {
            place = place - 1 + reader.skip_until(b'\n')? as u64;
        }
        let mut post = Vec::new();
        while place < end {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            place += read as u64;
            let words = str::from_utf8(&line).map_err(io::Error::other)?;
            post.clear();
            post.extend((words.trim_end().split(' ')).filter_map(|word| self.vocabulary.id(word)));
            if visit(&post).is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_post_is_in_one_part() {
        let mut writer = TextWriter::new().unwrap();
        // Posts that are longer than a part, and some whose end is the end of a part.
        let long = "x".repeat(PART as usize - 1);
        let mut expected = vec![vec![2], vec![0, 1]];
        writer.add_post([long.as_str()].into_iter()).unwrap();
        writer.add_post(["a", "b"].into_iter()).unwrap();
        for _ in 0..3 {
            writer
                .add_post([long.as_str(), long.as_str(), "a"].into_iter())
                .unwrap();
            expected.push(vec![2, 2, 0]);
        }
        for round in 0..500_000 {
            writer
                .add_post(["a", "b", "rare"].into_iter().skip(round % 2).take(2))
                .unwrap();
            expected.push(if round % 2 == 0 { vec![0, 1] } else { vec![1] });
        }
        let text = writer.finish().unwrap();
        assert_eq!(text.missed(), 0);
        let mut text = text.with_vocabulary(1);
        let ids = ["a", "b", long.as_str(), "rare"].map(|word| text.vocabulary.id(word).unwrap());
        let mut read = Vec::new();
        assert!(text.parts() > 5);
        for part in 0..text.parts() {
            let mut visit = |post: &[u32]| {
                let place = |id: &u32| ids.iter().position(|other| other == id).unwrap();
                read.push(
                    post.iter()
                        .map(place)
                        .filter(|&place| place < 3)
                        .collect::<Vec<_>>(),
                );
                ControlFlow::Continue(())
            };
            text.read(part, &mut visit).unwrap();
        }
        assert!(read == expected);
        text.bytes = 0;
        assert_eq!(text.parts(), 0);
    }
}
