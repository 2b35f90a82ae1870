//! Segmentation of posts into words by the text pipeline, with a dictionary that stays loaded.

use std::{
    fs::{self, File},
    io::BufReader,
    path::PathBuf,
    sync::OnceLock,
    time::Instant,
};

use model_core::{
    bundle::Bundle,
    text::{Segmenter, Word},
};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// Posts to segment.
#[derive(Deserialize)]
pub struct Request {
    /// One post per line.
    posts: PathBuf,
    /// Uncompressed dictionary; the first request loads it for all.
    dictionary: PathBuf,
    /// Where the words are written, one post per line.
    words: PathBuf,
}

/// The segmentation time, without reading and writing.
#[derive(Serialize)]
pub struct Answer {
    ms: f64,
}

impl Request {
    /// Segments every post, on one thread.
    pub fn run(&self) -> Result<Answer, Failure> {
        // The peers keep their dictionaries loaded too. One loaded anew for each request would not be in the caches.
        static SEGMENTER: OnceLock<Segmenter> = OnceLock::new();
        let segmenter = match SEGMENTER.get() {
            Some(segmenter) => segmenter,
            None => {
                let dictionary = BufReader::new(File::open(&self.dictionary)?);
                let loaded = Segmenter::with_dictionary(dictionary)?;
                SEGMENTER.get_or_init(|| loaded)
            }
        };
        let text = fs::read_to_string(&self.posts)?;
        let posts: Vec<&str> = text.lines().collect();
        let start = Instant::now();
        let segmented: Vec<Vec<Word>> = posts.iter().map(|post| segmenter.words(post)).collect();
        let ms = start.elapsed().as_secs_f64() * 1e3;
        let line = |words: &Vec<Word>| {
            let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            words.join(" ") + "\n"
        };
        fs::write(&self.words, segmented.iter().map(line).collect::<String>())?;
        Ok(Answer { ms })
    }
}

/// Marks a bundle as one that needs a Chinese dictionary, whatever it was trained on.
#[derive(Deserialize)]
pub struct Chinese {
    bundle: PathBuf,
    /// Where it is written.
    made: PathBuf,
}

impl Chinese {
    /// Writes the marked bundle.
    pub fn run(&self) -> Result<(), Failure> {
        let mut bundle = Bundle::from_bytes(&fs::read(&self.bundle)?)?;
        bundle.settings.dictionary = true;
        Ok(fs::write(&self.made, bundle.to_bytes()?)?)
    }
}
