//! The state of a set of users in files: which users are predicted next, which have been, and the results as files.

mod export;
mod search;

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use model_core::base_rates::BaseRates;
use model_core::corpus::{
    Format, HEAD_BYTES, Packing, Problem, Reading, RepeatedUsers, Users, open_users, without_flags,
};
use model_core::population::PopulationEstimate;
use model_core::prediction::{Line, UserPrediction};
use serde_json::Value;

use crate::archive::Extract;
use crate::locale::{Locale, isolated};
use crate::protocol::{ChunkSize, Reason};
use crate::speed::characters;

pub use export::Export;
pub use search::Search;

/// How many reports of bad records are kept. The others are only counted.
pub const MAX_REPORTS: usize = 100;

/// The fewest users whose shares are estimated. The intervals of fewer say nothing.
pub const FEWEST_FOR_SHARES: usize = 20;

/// A chunk ends when this much of the file was read for it, however few users that gave: bad records take time too.
const CHUNK_BYTES: usize = 1 << 20;

/// How far a batch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Users are still to be read or predicted.
    Running,
    /// The files were read to their ends, and every user who could be read has a prediction.
    Finished,
    /// The visitor has stopped it.
    Cancelled,
    /// A file cannot be read to its end ([`Batch::broken`]), or users cannot be predicted.
    Failed(Reason),
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// The name of its file; `None` if there is only one.
    pub file: Option<String>,
    /// The line in which it begins, counted from 1; 0 if `what` names the place.
    pub line: u64,
    /// What is wrong with it, in English: a technical detail.
    pub what: String,
}

impl BadRecord {
    /// Its line and what is wrong with it, as text.
    pub fn message(&self, locale: Locale) -> String {
        let (line, what) = (&self.line, &self.what);
        if *line == 0 {
            return locale.format("file_bad_record_at", &[("what", what)]);
        }
        match &self.file {
            None => locale.format("file_bad_record", &[("line", line), ("what", what)]),
            Some(file) => locale.format(
                "file_bad_record_in",
                &[("file", file), ("line", line), ("what", what)],
            ),
        }
    }
}

/// A file that the visitor has given.
#[derive(Clone, Debug)]
pub struct GivenFile {
    name: String,
    /// Its bytes, or why they cannot be read.
    bytes: Result<Arc<Vec<u8>>, Reason>,
    /// What is known of it before it is read; [`Extract::writers`] is empty.
    known: Arc<Extract>,
    /// Its format; `None` if name and bytes decide it.
    format: Option<Format>,
}

impl GivenFile {
    /// A file with this name and these bytes. Both decide which format it is read in.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            bytes: Ok(Arc::new(bytes.into())),
            known: Arc::default(),
            format: None,
        }
    }

    /// A file that cannot be read, for this reason.
    pub fn unreadable(name: impl Into<String>, reason: Reason) -> Self {
        Self {
            bytes: Err(reason),
            ..Self::new(name, Vec::new())
        }
    }

    /// A file that was unpacked, with what else is to be known of it.
    pub fn unpacked(name: impl Into<String>, bytes: Vec<u8>, notes: Vec<String>) -> Self {
        let known = Extract {
            notes,
            ..Extract::default()
        };
        Self {
            known: Arc::new(known),
            ..Self::new(name, bytes)
        }
    }

    /// Users as JSONL, which were read from a file of another format.
    pub fn extracted(extract: Extract, jsonl: Vec<u8>) -> Self {
        Self {
            format: Some(Format::Jsonl),
            bytes: Ok(Arc::new(jsonl)),
            name: extract.name.clone(),
            known: Arc::new(extract),
        }
    }

    /// The same file with other bytes.
    pub fn with(&self, bytes: &[u8]) -> Self {
        Self {
            bytes: Ok(Arc::new(bytes.to_vec())),
            ..self.clone()
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its bytes; `None` if they cannot be read.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_ref().ok().map(|bytes| bytes.as_slice())
    }

    fn size(&self) -> usize {
        self.bytes().map_or(0, <[u8]>::len)
    }
}

/// A file that cannot be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenFile {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: Reason,
}

/// The run over the users of one or more files, which are read one after the other. It reads a chunk of users and then
/// waits for their predictions. Predictions stay, however the run ends.
pub struct Batch {
    /// They stay, because another model or other base rates begin a new run over them.
    files: Arc<[GivenFile]>,
    /// How many of them were opened so far.
    opened: usize,
    bytes_read: Arc<AtomicUsize>,
    base_rates: BaseRates,
    /// The characters of all posts that were read.
    characters: usize,
    /// The users of the file that was opened last; `None` when there is nothing more to read.
    users: Option<Users>,
    repeated_users: RepeatedUsers,
    /// How many records were read so far, bad ones included.
    records: u64,
    /// The users who were read last, until they are predicted.
    chunk: Option<Chunk>,
    lines: Vec<Line>,
    /// How many of the first users are in the worker's set of users.
    counted: usize,
    /// The newest estimate, or why there is none.
    population: Option<Result<Arc<PopulationEstimate>, Reason>>,
    /// How many users had a prediction when it was made.
    estimated: usize,
    bad_records: u64,
    reports: Vec<BadRecord>,
    broken: Vec<BrokenFile>,
    notes: Vec<String>,
    /// The state after [`State::Running`].
    outcome: State,
}

/// Some users of the files.
#[derive(Default)]
struct Chunk {
    ids: Vec<Value>,
    posts: Vec<Vec<String>>,
}

impl Batch {
    /// A run over these files. If none of them holds users, it has failed already.
    pub fn new(files: Vec<GivenFile>) -> Self {
        Self::begin(files.into(), BaseRates::default())
    }

    fn begin(files: Arc<[GivenFile]>, base_rates: BaseRates) -> Self {
        let mut batch = Self {
            files,
            opened: 0,
            bytes_read: Arc::default(),
            base_rates,
            characters: 0,
            users: None,
            repeated_users: RepeatedUsers::default(),
            records: 0,
            chunk: None,
            lines: Vec::new(),
            counted: 0,
            population: None,
            estimated: 0,
            bad_records: 0,
            reports: Vec::new(),
            broken: Vec::new(),
            notes: Vec::new(),
            outcome: State::Finished,
        };
        batch.open_next();
        batch
    }

    /// Opens the next file that holds users.
    fn open_next(&mut self) {
        self.users = None;
        let files = Arc::clone(&self.files);
        while self.users.is_none()
            && let Some(file) = files.get(self.opened)
        {
            // A file before it may not have been read to its end.
            let before = files[..self.opened].iter().map(GivenFile::size).sum();
            self.bytes_read.store(before, Ordering::Relaxed);
            self.opened += 1;
            self.announce(&file.known);
            match open(file, &self.bytes_read) {
                Ok(users) => self.users = Some(users),
                Err(reason) => self.break_off(reason),
            }
        }
        if self.users.is_none() {
            self.notes.extend(self.repeated_users.take_notes());
        }
    }

    /// Takes over what is known of the file that was opened last.
    fn announce(&mut self, known: &Extract) {
        for note in &known.notes {
            self.note(note.clone());
        }
        self.bad_records += known.bad_records;
        let left = MAX_REPORTS - self.reports.len();
        let reports = known.reports.iter().take(left).map(|what| BadRecord {
            file: None,
            line: 0,
            what: what.clone(),
        });
        self.reports.extend(reports);
    }

    /// Adds a note on the file that was opened last.
    fn note(&mut self, what: String) {
        let what = without_flags(&what);
        self.notes.push(match self.files.len() {
            1 => what.to_owned(),
            _ => {
                let name = isolated(&self.files[self.opened - 1].name);
                format!("{name}: {}", isolated(what))
            }
        });
    }

    /// The file that was opened last cannot be read to its end.
    fn break_off(&mut self, reason: Reason) {
        self.outcome = State::Failed(reason.clone());
        let name = self.files[self.opened - 1].name.clone();
        self.broken.push(BrokenFile { name, reason });
    }

    /// Begins a new run by another model or under other base rates, because the predictions of a run are all by the same model
    /// and under the same base rates. Files that gave no predictions and failed stay as they are.
    pub fn begin_again(&mut self, base_rates: BaseRates) {
        if self.lines.is_empty() && matches!(self.state(), State::Failed(_)) {
            return;
        }
        *self = Self::begin(Arc::clone(&self.files), base_rates);
    }

    /// The base rates that the predictions assume.
    pub fn base_rates(&self) -> &BaseRates {
        &self.base_rates
    }

    /// The name of the first file.
    pub fn name(&self) -> &str {
        self.files.first().map_or("", GivenFile::name)
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// The size of all files in bytes.
    pub fn bytes(&self) -> usize {
        self.files.iter().map(GivenFile::size).sum()
    }

    /// How many of these bytes were read so far.
    pub fn bytes_read(&self) -> usize {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// How many characters the posts in the rest of the files have, if they take as much of them as those before.
    pub fn characters_ahead(&self) -> u64 {
        let read = self.bytes_read().max(1);
        let per_byte = self.characters as f64 / read as f64;
        (self.bytes().saturating_sub(read) as f64 * per_byte) as u64
    }

    /// How far the run is.
    pub fn state(&self) -> &State {
        if self.users.is_some() || self.chunk.is_some() {
            &State::Running
        } else {
            &self.outcome
        }
    }

    /// Whether users are still to be read or predicted.
    pub fn is_running(&self) -> bool {
        *self.state() == State::Running
    }

    /// The users who have a prediction, in the order of the files. The id of a user without one is the position of its
    /// record, counted from 1 and on from file to file.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The newest estimate of the shares of the classes among the users, or why it failed. While the run goes on, it is
    /// about at least half of those who have a prediction.
    pub fn population(&self) -> Option<&Result<Arc<PopulationEstimate>, Reason>> {
        self.population.as_ref()
    }

    /// Whether the worker is to estimate the shares before it predicts further users: whenever twice as many users have a
    /// prediction as at the last time, and at the end.
    pub fn wants_estimate(&self) -> bool {
        self.counted == self.lines.len() && self.lacks_estimate()
    }

    fn lacks_estimate(&self) -> bool {
        let users = self.lines.len();
        users >= FEWEST_FOR_SHARES
            && match self.state() {
                State::Running => users >= 2 * self.estimated,
                State::Finished | State::Failed(_) => users > self.estimated,
                State::Cancelled => false,
            }
    }

    /// The answer to the newest question for an estimate.
    pub fn set_population(&mut self, population: Result<PopulationEstimate, Reason>) {
        self.population = Some(population.map(Arc::new));
        self.estimated = self.lines.len();
    }

    /// The worker's set of users is gone, because the model was loaded again. If an estimate is still to come, the files are
    /// read from their beginning, so that it will be about all users. What was predicted stays.
    pub fn recount(&mut self) {
        let counted = std::mem::take(&mut self.counted);
        let is_over = match self.state() {
            State::Running => false,
            State::Finished => !self.lacks_estimate(),
            State::Cancelled | State::Failed(_) => true,
        };
        if counted == 0 || is_over {
            return;
        }
        let again = Self::begin(Arc::clone(&self.files), self.base_rates.clone());
        *self = Self {
            lines: std::mem::take(&mut self.lines),
            population: self.population.take(),
            estimated: self.estimated,
            ..again
        };
    }

    /// How many records could not be read so far.
    pub fn bad_records(&self) -> u64 {
        self.bad_records
    }

    /// The first [`MAX_REPORTS`] of them.
    pub fn reports(&self) -> &[BadRecord] {
        &self.reports
    }

    /// The files that cannot be read to their ends, so far.
    pub fn broken(&self) -> &[BrokenFile] {
        &self.broken
    }

    /// How the files are read, where another way was possible, in English.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The posts of each user of the chunk that [`answer`](Self::answer) is to predict; `None` after the last one. It
    /// stays the same until then. A chunk of a long bad part of the file holds no users; it needs its answer too, which
    /// is empty.
    pub fn next_chunk(&mut self, size: ChunkSize) -> Option<&[Vec<String>]> {
        if self.chunk.is_none() {
            self.chunk = self.read_chunk(size);
        }
        self.chunk.as_ref().map(|chunk| chunk.posts.as_slice())
    }

    fn read_chunk(&mut self, size: ChunkSize) -> Option<Chunk> {
        let before = self.bytes_read();
        let mut chunk = Chunk::default();
        let mut length = 0;
        while let Some(users) = &mut self.users {
            match users.next() {
                Some(Ok(mut user)) => {
                    self.repeated_users.add(&user);
                    self.records += 1;
                    user.record = self.records;
                    length += characters(&user.posts);
                    chunk.ids.push(user.id());
                    chunk.posts.push(user.posts);
                }
                Some(Err(Problem::Record { line, what })) => {
                    self.records += 1;
                    self.bad_records += 1;
                    if self.reports.len() < MAX_REPORTS {
                        let name = &self.files[self.opened - 1].name;
                        let file = (self.files.len() > 1).then(|| name.clone());
                        let what = without_flags(&what).to_owned();
                        self.reports.push(BadRecord { file, line, what });
                    }
                }
                Some(Err(Problem::Note(what))) => self.note(what),
                Some(Err(Problem::Stream(error))) => {
                    let what = error.to_string();
                    self.break_off(Reason::BrokenFile(without_flags(&what).to_owned()));
                    self.open_next();
                }
                None => self.open_next(),
            }
            if chunk.posts.len() >= size.users
                || length >= size.characters
                || self.bytes_read() - before >= CHUNK_BYTES
            {
                break;
            }
        }
        self.characters += length;
        (self.users.is_some() || !chunk.posts.is_empty()).then_some(chunk)
    }

    /// The predictions for the newest chunk. All chunks of a run are predicted by one model. Predictions that come
    /// after the end are ignored.
    pub fn answer(&mut self, predictions: Vec<UserPrediction>) {
        let Some(Chunk { ids, .. }) = &self.chunk else {
            return;
        };
        let (asked, answered) = (ids.len(), predictions.len());
        if asked != answered {
            return self.fail(Reason::Miscounted { asked, answered });
        }
        let ids = self.chunk.take().into_iter().flat_map(|chunk| chunk.ids);
        // The first users of a recount have their predictions already.
        let lines = ids.zip(predictions).skip(self.lines.len() - self.counted);
        self.counted += asked;
        (self.lines).extend(lines.map(|(id, prediction)| Line { id, prediction }));
    }

    /// Cancels the run. No further estimate is made, because the worker's set may hold users whose predictions are ignored.
    pub fn cancel(&mut self) {
        self.end(State::Cancelled);
        self.counted = 0;
    }

    /// Ends the run because users cannot be predicted.
    pub fn fail(&mut self, reason: Reason) {
        self.end(State::Failed(reason));
    }

    fn end(&mut self, outcome: State) {
        if self.is_running() {
            self.users = None;
            self.chunk = None;
            self.outcome = outcome;
        }
    }
}

/// The users in a file. `bytes_read` grows as the users are taken.
fn open(file: &GivenFile, bytes_read: &Arc<AtomicUsize>) -> Result<Users, Reason> {
    let bytes = file.bytes.as_ref().map_err(Clone::clone)?;
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    if let Some(packing) = Packing::by_content(head) {
        return Err(Reason::PackedFile {
            packing: packing.name().into(),
        });
    }
    let head = head.to_vec();
    let counted = Counted {
        bytes: Arc::clone(bytes),
        taken: 0,
        bytes_read: Arc::clone(bytes_read),
    };
    let reading = Reading {
        format: file.format,
        ..Reading::default()
    };
    let users = open_users(Path::new(&file.name), &head, counted, &reading);
    users.map_err(|what| Reason::NoUsers(without_flags(&what).to_owned()))
}

/// A file's bytes. Those that are taken are counted in `bytes_read` too.
struct Counted {
    bytes: Arc<Vec<u8>>,
    taken: usize,
    bytes_read: Arc<AtomicUsize>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(&self.bytes[self.taken..])
    }

    fn consume(&mut self, length: usize) {
        self.taken += length;
        self.bytes_read.fetch_add(length, Ordering::Relaxed);
    }
}
