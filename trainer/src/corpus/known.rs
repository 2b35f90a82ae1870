//! Users from files of a known format: archives of accounts, crawls and published corpora.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use formats::{Format, Options, Receiver, Writers};
use model_core::corpus::{Problem, User, Users};

use super::Container;

/// How many users wait to be taken.
const USERS_AHEAD: usize = 64;

/// The users of `container`, which is of this format. They are read in a thread of their own, since a format hands its
/// users over as it finds them.
pub(super) fn users(
    mut container: Container,
    format: &'static dyn Format,
    options: Options,
) -> Users {
    let (sender, users) = sync_channel(USERS_AHEAD);
    thread::spawn(move || {
        let mut sent = Sent { sender, records: 0 };
        let read = read(&mut container, format, options, &mut sent);
        let last = match read {
            Ok(left_out) if left_out.is_empty() => return,
            Ok(left_out) => Problem::Note(format!("left out: {}", left_out.join(", "))),
            Err(error) => Problem::Stream(error),
        };
        // Whoever takes no more users wants no more messages.
        let _ = sent.sender.send(Err(last));
    });
    let name = format.about().name;
    let note = Problem::Note(format!("read as {name} (docs/formats.md)"));
    Box::new([Err(note)].into_iter().chain(users))
}

/// What was left out.
fn read(
    container: &mut Container,
    format: &dyn Format,
    options: Options,
    receiver: &mut dyn Receiver,
) -> io::Result<Vec<String>> {
    let mut writers = Writers::new(options, receiver);
    format.read(container.files(), &mut writers)?;
    Ok(writers.finish_all()?.listed())
}

struct Sent {
    sender: SyncSender<Result<User, Problem>>,
    records: u64,
}

impl Receiver for Sent {
    fn user(&mut self, user: User) -> io::Result<()> {
        self.records += 1;
        let record = self.records;
        let sent = self.sender.send(Ok(User { record, ..user }));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn bad_record(&mut self, line: &str) {
        self.records += 1;
        let what = line.to_owned();
        // The next user meets the error too.
        let _ = self.sender.send(Err(Problem::Record { line: 0, what }));
    }
}
