//! Posts into words by the text pipeline, with a dictionary that stays loaded.

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

/// Posts to cut.
#[derive(Deserialize)]
pub struct Request {
    /// A post a line.
    posts: PathBuf,
    /// Not packed. Once loaded it is that of all requests.
    dictionary: PathBuf,
    /// Where the words are written, a post a line.
    words: PathBuf,
}

/// How long the cutting took, without reading and writing.
#[derive(Serialize)]
pub struct Answer {
    ms: f64,
}

impl Request {
    /// Cuts every post, on one thread.
    pub fn run(&self) -> Result<Answer, Failure> {
        // The peers keep theirs as well: a new one at every turn would lie elsewhere in memory, and not in the caches.
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
        let cut: Vec<Vec<Word>> = posts.iter().map(|post| segmenter.words(post)).collect();
        let ms = start.elapsed().as_secs_f64() * 1e3;
        let line = |words: &Vec<Word>| {
            let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            words.join(" ") + "\n"
        };
        fs::write(&self.words, cut.iter().map(line).collect::<String>())?;
        Ok(Answer { ms })
    }
}

/// A bundle to turn into one that needs a Chinese dictionary, whatever it was trained on.
#[derive(Deserialize)]
pub struct Chinese {
    bundle: PathBuf,
    /// Where it is written.
    made: PathBuf,
}

impl Chinese {
    /// Writes it.
    pub fn run(&self) -> Result<(), Failure> {
        let mut bundle = Bundle::from_bytes(&fs::read(&self.bundle)?)?;
        bundle.settings.dictionary = true;
        Ok(fs::write(&self.made, bundle.to_bytes()?)?)
    }
}
