//! Our side of `make bench`: computes and times what the scripts in `scripts/bench` ask for.
//!
//! A line of JSON in, a line of JSON out. Numbers travel as little-endian files in a folder that both know.

mod epoch;
mod files;
mod limits;
mod linear;
mod lstm;
mod segment;
mod words;

use std::io::{self, BufRead, Write};

use serde::Deserialize;

/// That of the program `auxlstm`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

/// What a script asks for.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    /// One LSTM.
    Lstm(lstm::Request),
    /// An epoch of training.
    Epoch(epoch::Request),
    /// The machine's limits.
    Limits(limits::Request),
    /// A linear learner.
    Linear(linear::Request),
    /// Posts into word ids.
    Segment(segment::Request),
    /// Posts into words.
    Words(words::Request),
    /// A bundle for Chinese.
    Chinese(words::Chinese),
}

fn main() -> Result<(), Failure> {
    trainer::use_all_cores();
    for line in io::stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?)? {
            Request::Lstm(request) => serde_json::to_string(&request.run()?)?,
            Request::Epoch(request) => serde_json::to_string(&request.run()?)?,
            Request::Limits(request) => serde_json::to_string(&request.run())?,
            Request::Linear(request) => serde_json::to_string(&request.run()?)?,
            Request::Segment(request) => serde_json::to_string(&request.run()?)?,
            Request::Words(request) => serde_json::to_string(&request.run()?)?,
            Request::Chinese(request) => serde_json::to_string(&request.run()?)?,
        };
        println!("{answer}");
        io::stdout().flush()?;
    }
    Ok(())
}
