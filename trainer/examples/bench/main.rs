//! Our side of `make bench`: a server that runs and times our code for the scripts in `scripts/bench`. The class `Program` in
//! `scripts/bench/common.py` starts it.
//!
//! Protocol: each line of the standard input is a JSON request; each line of the standard output is the JSON answer to one
//! request, in the same order. A request is an object with one key, the name of a task, such as `{"limits": {"operations":
//! 1000}}`; [`Request`] lists the tasks. Arrays travel in files of little-endian numbers (f32, i32) in a folder that the
//! request names. The server ends with an error at the first request that fails, and at the end of the input.

mod epoch;
mod files;
mod limits;
mod linear;
mod lstm;
mod segment;
mod words;

use std::io::{self, BufRead, Write};

use serde::Deserialize;

/// The allocator that auxlstm uses.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

/// A request of a script.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    /// One LSTM.
    Lstm(lstm::Request),
    /// An epoch of training.
    Epoch(epoch::Request),
    /// The machine's peak speed.
    Limits(limits::Request),
    /// A linear learner.
    Linear(linear::Request),
    /// Segmentation of a corpus into word ids.
    Segment(segment::Request),
    /// Segmentation of posts into words.
    Words(words::Request),
    /// A copy of a bundle, for Chinese.
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
