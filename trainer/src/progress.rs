//! Progress of long work on standard error: a bar on a terminal, a line every few seconds elsewhere.

use std::fmt::{Display, Write};
use std::io::{self, IsTerminal, Write as _};
use std::time::{Duration, Instant};

use indicatif::{
    HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};

/// The time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// Prints a formatted line to standard error, see [`print_line`].
macro_rules! notice {
    ($($argument:tt)*) => {
        $crate::progress::print_line(format_args!($($argument)*))
    };
}
pub(crate) use notice;

/// Prints a line to standard error. Unlike `eprintln!`, it does not panic where standard error cannot be written: progress
/// and warnings must not end work.
pub(crate) fn print_line(line: impl Display) {
    let line = visible(&line.to_string()) + "\n";
    // One call, so that lines of several threads do not mix.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// A text with its control characters escaped, among them those that turn the direction of writing. Names of files, labels
/// and ids may have any, and a terminal obeys them.
pub(crate) fn visible(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        let turns = matches!(letter, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        match letter.is_control() || turns {
            true => escaped.extend(letter.escape_default()),
            false => escaped.push(letter),
        }
    }
    escaped
}

/// The progress of one task, with its rate and the time left.
pub struct Progress {
    bar: ProgressBar,
    work: &'static str,
    unit: &'static str,
    last_line: Option<Instant>,
    /// Units that an earlier run did; they do not count for the rate.
    done_before: u64,
}

impl Progress {
    /// The progress of `work`, which consists of `total` units if that is known.
    pub fn new(work: &'static str, unit: &'static str, total: Option<u64>) -> Self {
        let terminal = io::stderr().is_terminal();
        let target = if terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(total, target).with_message(work);
        let template = match total {
            Some(_) => "{msg} {wide_bar} {percent:>3} %  {rate}  {eta} left",
            None => "{msg} {spinner} {human_pos}  {rate}",
        };
        let style = match total {
            Some(_) => ProgressStyle::default_bar(),
            None => ProgressStyle::default_spinner(),
        };
        // The templates are constant and valid, but a fallback is shorter than an argument why they cannot fail.
        let style = style.clone().template(template).unwrap_or(style);
        bar.set_style(
            style.with_key("rate", move |state: &ProgressState, out: &mut dyn Write| {
                let _ = write!(out, "{} {unit}/s", HumanCount(state.per_sec() as u64));
            }),
        );
        let last_line = (!terminal).then(Instant::now);
        Self {
            bar,
            work,
            unit,
            last_line,
            done_before: 0,
        }
    }

    /// Continues work of which `position` units were done earlier.
    pub fn start_at(&mut self, position: u64) {
        self.done_before = position;
        self.bar.set_position(position);
        self.bar.reset_eta();
    }

    /// Sets the number of units done so far, earlier ones included.
    pub fn set(&mut self, position: u64) {
        self.bar.set_position(position);
        if self
            .last_line
            .is_some_and(|last| last.elapsed() >= LINE_EVERY)
        {
            self.last_line = Some(Instant::now());
            self.print_line();
        }
    }

    fn print_line(&self) {
        let (position, seconds) = (self.bar.position(), self.bar.elapsed().as_secs_f64());
        let rate = position.saturating_sub(self.done_before) as f64 / seconds.max(1e-9);
        let mut line = format!(
            "{}: {} {}, {}/s",
            self.work,
            HumanCount(position),
            self.unit,
            HumanCount(rate as u64)
        );
        if let Some(total) = self.bar.length().filter(|&total| total > 0) {
            let left = Duration::from_secs_f64(
                (total.saturating_sub(position) as f64 / rate.max(1e-9)).min(1e9),
            );
            let percent = 100 * position / total;
            let _ = write!(line, ", {percent} %, {} left", HumanDuration(left));
        }
        print_line(line);
    }

    /// A function that prints a line without breaking the bar.
    pub fn printer(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let bar = self.bar.clone();
        move |line| bar.suspend(|| print_line(line))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_controlled_the_terminal() {
        assert_eq!(
            visible("a\u{1b}[2J\tb\u{9b}c\u{202e}d\u{61c}"),
            "a\\u{1b}[2J\\tb\\u{9b}c\\u{202e}d\\u{61c}"
        );
        assert_eq!(visible("“Ä” 天气 'x' \\ 😋"), "“Ä” 天气 'x' \\ 😋");
    }
}
