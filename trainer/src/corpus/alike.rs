//! Bad records that are alike: the first ones are reported one by one, the others counted.

use std::collections::BTreeMap;

use crate::table::counted;

/// How many records with the same message are reported one by one.
const REPORTED: u64 = 20;
/// How many messages are told apart. All records with others are reported.
const MOST_MESSAGES: usize = 1000;

/// The bad records of a corpus by their messages. Messages that differ by digits only, as by the number of the line, are the
/// same.
#[derive(Default)]
pub struct AlikeRecords {
    /// By the message without digits: the number of records, and the message of the last one that was reported.
    messages: BTreeMap<String, (u64, String)>,
}

impl AlikeRecords {
    /// Adds a record by its message; whether it is to be reported.
    pub fn add(&mut self, message: &str) -> bool {
        let without_digits: String = (message.chars())
            .filter(|character| !character.is_ascii_digit())
            .collect();
        if self.messages.len() == MOST_MESSAGES && !self.messages.contains_key(&without_digits) {
            return true;
        }
        let (records, last) = self.messages.entry(without_digits).or_default();
        *records += 1;
        let is_reported = *records <= REPORTED;
        if is_reported {
            *last = message.to_owned();
        }
        is_reported
    }

    /// The notes on the records that were not reported, and forgets all.
    pub fn take_notes(&mut self) -> impl Iterator<Item = String> + use<> {
        let messages = std::mem::take(&mut self.messages).into_values();
        let more = messages.filter(|(records, _)| *records > REPORTED);
        more.map(|(records, last)| {
            let records = counted(records - REPORTED, "more bad record");
            format!("{records} like {last}")
        })
    }
}
