//! Users from files of a known format: archives of accounts, crawls and published corpora.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use formats::{Counts, Files, Grouping, Note, Options, Part, Receiver, Recognised, recognise};
use model_core::corpus::{Problem, Reading, User, Users};

use super::Container;

/// How many users wait to be taken.
const USERS_AHEAD: usize = 64;

/// The formats of the files, if some have known ones and the flags do not state how they are read.
pub(super) fn formats_of(files: &mut dyn Files, reading: &Reading) -> Option<Recognised> {
    let found = (!reading.is_stated()).then(|| recognise(files));
    found.filter(|found| !found.parts.is_empty())
}

/// The users of a container in whose files these formats were found. They are read in a thread of their own, since a format
/// hands its users over as it finds them.
pub(super) fn users(mut container: Container, found: Recognised, options: Options) -> Users {
    let note = found.note().map(Problem::Note);
    let files = container.files();
    let only = match files.names() {
        [name] => Some(files.place(name)),
        _ => None,
    };
    let Recognised { parts, .. } = found;
    let mut notes = vec![Problem::Note(format!(
        "read as {} (docs/formats.md)",
        names(&parts)
    ))];
    notes.extend(note);
    let (sender, users) = sync_channel(USERS_AHEAD);
    thread::spawn(move || {
        let mut sent = Sent {
            sender,
            only,
            records: 0,
        };
        let read = read(&mut container, &parts, options, &mut sent);
        let last = match read {
            Ok(left_out) if left_out.is_empty() => return,
            Ok(left_out) => Problem::Note(format!("left out: {}", left_out.join(", "))),
            Err(error) => Problem::Stream(error),
        };
        // A receiver that takes no more users wants no more messages either.
        let _ = sent.sender.send(Err(last));
    });
    Box::new(notes.into_iter().map(Err).chain(users))
}

/// The names of the formats, such as "reddit and telegram".
pub(crate) fn names(parts: &[Part]) -> String {
    let names: Vec<&str> = parts.iter().map(|part| part.format.about().name).collect();
    names.join(" and ")
}

/// What was left out.
fn read(
    container: &mut Container,
    parts: &[Part],
    options: Options,
    receiver: &mut dyn Receiver,
) -> io::Result<Vec<String>> {
    let mut left_out = Counts::default();
    for part in parts {
        let mut grouping = Grouping::new(options, receiver);
        part.read(container.files(), &mut grouping)?;
        left_out += grouping.finish_all()?;
    }
    Ok(left_out.listed())
}

struct Sent {
    sender: SyncSender<Result<User, Problem>>,
    /// The place of the only file, which messages name already.
    only: Option<String>,
    records: u64,
}

impl Receiver for Sent {
    fn user(&mut self, user: User) -> io::Result<()> {
        self.records += 1;
        let user = User {
            record: self.records,
            ..user
        };
        let sent = self.sender.send(Ok(user));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn bad_record(&mut self, line: &str) -> io::Result<()> {
        self.records += 1;
        let what = line.to_owned();
        let sent = self.sender.send(Err(Problem::Record { line: 0, what }));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn note(&mut self, note: Note<'_>) {
        let line = match note.place == self.only.as_deref() {
            true => note.what.to_owned(),
            false => note.to_string(),
        };
        // The next user meets the error too.
        let _ = self.sender.send(Err(Problem::Note(line)));
    }
}
