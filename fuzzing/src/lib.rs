//! Fuzz tests of parsers: damaged copies of valid files, which must cost neither a panic nor much memory or time.
//!
//! A test calls [`fuzz`] or [`fuzz_files`]. A test program that links this crate counts the memory of each thread.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `FUZZ_CASES` | cases of each test | 1000 |
//! | `FUZZ_SECONDS` | a test ends after this time, whatever cases are left | none |
//! | `FUZZ_FIRST` | the number of the first case: with `FUZZ_CASES=1` it repeats one | 0 |
//!
//! A case depends on its number and its seeds alone, so that every run has the same ones.

mod damage;
mod memory;
mod time;

use std::env;
use std::io::{self, Write};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;

pub use damage::damage;

/// The most memory of a case, in bytes: this and [`TIMES_INPUT`] times the length of its files.
pub const FREE_BYTES: usize = 16 << 20;
/// See [`FREE_BYTES`]. A list of tables costs the TOML parser 120 times its length.
pub const TIMES_INPUT: usize = 150;
/// The longest time of a case on a core. The longest files, some megabytes, take a second without optimisation.
pub const LONGEST: Duration = Duration::from_secs(10);

/// Calls `parse` with damaged copies of `seeds`, which are valid files.
///
/// # Panics
/// If `parse` does. A case that takes more memory or time than the bounds permit ends the program.
pub fn fuzz(parser: &str, seeds: &[impl AsRef<[u8]>], mut parse: impl FnMut(&[u8])) {
    let seeds: Vec<[&[u8]; 1]> = seeds.iter().map(|seed| [seed.as_ref()]).collect();
    fuzz_files(parser, &seeds, |_, files| parse(&files[0]));
}

/// The same for inputs of several files. `parse` gets the index of the input and its files, of which one is damaged.
///
/// # Panics
/// As [`fuzz`] does.
pub fn fuzz_files<S, F>(parser: &str, seeds: &[S], mut parse: impl FnMut(usize, &[Vec<u8>]))
where
    S: AsRef<[F]>,
    F: AsRef<[u8]>,
{
    let first: u64 = variable("FUZZ_FIRST").unwrap_or(0);
    let cases: u64 = variable("FUZZ_CASES").unwrap_or(1000);
    let most_time = variable("FUZZ_SECONDS").map(Duration::from_secs);
    let (start, mut highest, mut count) = (Instant::now(), 0, 0);
    let running = Running::new(parser, first);
    thread::scope(|scope| {
        let watchdog = scope.spawn(|| running.watch());
        let guard = End(&running, watchdog.thread());
        for number in first..first.saturating_add(cases) {
            if most_time.is_some_and(|most| start.elapsed() > most) {
                break;
            }
            let mut random = StdRng::seed_from_u64(number);
            running.number.store(number, Ordering::Relaxed);
            let index = damage::below(&mut random, seeds.len());
            let mut files: Vec<Vec<u8>> = (seeds[index].as_ref().iter())
                .map(|file| file.as_ref().to_vec())
                .collect();
            let file = damage::below(&mut random, files.len());
            damage(&mut random, &mut files[file]);
            let bytes: usize = files.iter().map(Vec::len).sum();
            let limit = FREE_BYTES + TIMES_INPUT * bytes;
            let message = || running.fail(&format!("took more than {limit} bytes of memory"));
            highest = highest.max(memory::peak(limit, message, || parse(index, &files)));
            count += 1;
        }
        drop(guard);
    });
    let seconds = start.elapsed().as_secs_f64();
    let peak = highest as f64 / f64::from(1 << 20);
    let thread = thread::current();
    let test = thread.name().unwrap_or_default();
    eprintln!("fuzzed {parser}: {count} cases in {seconds:.1} s, at most {peak:.1} MiB ({test})");
}

/// The number in a variable of the environment.
fn variable(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some((value.parse()).unwrap_or_else(|_| panic!("{name} is {value:?}, not a number")))
}

/// The case that runs.
struct Running<'a> {
    parser: &'a str,
    clock: time::Clock,
    number: AtomicU64,
    is_over: AtomicBool,
}

impl<'a> Running<'a> {
    fn new(parser: &'a str, first: u64) -> Self {
        Self {
            parser,
            clock: time::Clock::of_this_thread(),
            number: AtomicU64::new(first),
            is_over: AtomicBool::new(false),
        }
    }

    /// Ends the program if a case takes too long.
    fn watch(&self) {
        let (mut number, mut start) = (u64::MAX, Duration::ZERO);
        while !self.is_over.load(Ordering::Acquire) {
            let now = self.number.load(Ordering::Relaxed);
            if now != number {
                (number, start) = (now, self.clock.elapsed());
            } else if self.clock.elapsed().saturating_sub(start) > LONGEST {
                self.fail(&format!("took longer than {LONGEST:?}"));
            }
            thread::park_timeout(Duration::from_millis(200));
        }
    }

    /// Ends the program. The case cannot be interrupted, and an allocator must not panic.
    fn fail(&self, what: &str) -> ! {
        self.report(what);
        process::abort();
    }

    fn report(&self, what: &str) {
        let number = self.number.load(Ordering::Relaxed);
        // The test harness prints nothing of a program that was aborted.
        let _ = writeln!(
            io::stderr(),
            "fuzzing {}: case {number} {what}; FUZZ_FIRST={number} FUZZ_CASES=1 repeats it",
            self.parser
        );
    }
}

/// Ends the watchdog, also where a case panics.
struct End<'a>(&'a Running<'a>, &'a thread::Thread);

impl Drop for End<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.report("panicked");
        }
        self.0.is_over.store(true, Ordering::Release);
        self.1.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_differ_and_are_the_same_in_every_run() {
        let inputs = || {
            let mut inputs = Vec::new();
            fuzz("nothing", &["{\"a\": [1, 2]}"], |bytes| {
                inputs.push(bytes.to_vec())
            });
            inputs
        };
        let mut first = inputs();
        assert_eq!(first, inputs());
        first.sort();
        first.dedup();
        assert!(first.len() > 500, "{}", first.len());
    }

    #[test]
    fn a_panic_is_found() {
        let found = std::panic::catch_unwind(|| {
            fuzz("a parser that panics", &["[[1]]"], |bytes| {
                assert!(!bytes.starts_with(b"\""));
            });
        });
        assert!(found.is_err());
    }
}
