//! Chats that were exported as text: a message a line, or over several lines.

use std::io;

use crate::files::{Files, each_line};
use crate::grouping::Grouping;

/// A message as it stands in the file.
pub(crate) struct Message {
    pub user: String,
    /// Milliseconds since 1970, as far as it is known.
    pub time: Option<i64>,
    pub text: String,
}

/// What begins with a line.
pub(crate) enum Start {
    Message(Message),
    /// A message of the system, which is counted.
    System,
    Heading,
}

/// Calls `add` with each message of a chat. `start` gets each line and the message before it, if that may continue. A line with
/// which nothing begins continues what came before it, and is read if that is a message.
pub(crate) fn each_message(
    files: &mut dyn Files,
    name: &str,
    grouping: &mut Grouping<'_>,
    start: &mut dyn FnMut(&str, Option<&mut Message>) -> Option<Start>,
    add: fn(&mut Grouping<'_>, Message) -> io::Result<()>,
) -> io::Result<()> {
    let mut open: Option<Message> = None;
    each_line(files, name, grouping, &mut |grouping, _, line| {
        let Some(start) = start(line, open.as_mut()) else {
            if let Some(message) = &mut open {
                message.text.push('\n');
                message.text.push_str(line);
            }
            return Ok(());
        };
        if let Some(message) = open.take() {
            add(grouping, message)?;
        }
        match start {
            Start::Message(message) => open = Some(message),
            Start::System => grouping.counts().system += 1,
            Start::Heading => {}
        }
        Ok(())
    })?;
    open.map_or(Ok(()), |message| add(grouping, message))
}

/// The value of a decimal digit in the scripts in which telephones write dates.
pub(crate) fn digit(letter: char) -> Option<u32> {
    /// Zero of ASCII, Arabic, Persian and Urdu, Devanagari, Bengali, Gurmukhi, Gujarati, Oriya, Tamil, Telugu, Kannada, Malayalam,
    /// Thai, Lao, Tibetan, Burmese, Khmer, and of full width. The other digits follow it.
    const ZEROS: &str = "0٠۰०০੦૦୦௦౦೦൦๐໐༠၀០０";
    ZEROS.chars().find_map(|zero| {
        let value = (letter as u32).checked_sub(zero as u32)?;
        (value < 10).then_some(value)
    })
}
