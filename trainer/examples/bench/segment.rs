//! Segmentation of a corpus into word ids by a bundle's text pipeline.

use std::{fs, path::PathBuf, time::Instant};

use model_core::{bundle::Bundle, reader::Reader, text::Segmenter};
use serde::{Deserialize, Serialize};
use trainer::corpus::{Corpus, Options};

use crate::{Failure, files};

/// A corpus to segment.
#[derive(Deserialize)]
pub struct Request {
    bundle: PathBuf,
    corpus: PathBuf,
    /// Receives `ids` and `lengths` of all users in order.
    folder: PathBuf,
}

/// The segmentation time, without reading and writing.
#[derive(Serialize)]
pub struct Answer {
    ms: f64,
}

impl Request {
    /// Segments every user's posts into word ids.
    pub fn run(&self) -> Result<Answer, Failure> {
        let bundle = Bundle::from_bytes(&fs::read(&self.bundle)?)?;
        let reader = Reader {
            segmenter: Segmenter::new(),
            max_words: bundle.settings.max_words,
            vocabulary: bundle.vocabulary,
        };
        let users = Corpus::open(std::slice::from_ref(&self.corpus), Options::default())?
            .map(|user| user.map(|user| user.posts))
            .collect::<Result<Vec<_>, _>>()?;
        let start = Instant::now();
        let texts: Vec<Vec<u32>> = users.iter().map(|posts| reader.encode(posts)).collect();
        let ms = start.elapsed().as_secs_f64() * 1e3;
        let bytes = |value: usize| (value as i32).to_le_bytes();
        let ids = texts.iter().flatten().map(|&id| bytes(id as usize));
        files::write(&self.folder, "ids", ids)?;
        files::write(
            &self.folder,
            "lengths",
            texts.iter().map(|text| bytes(text.len())),
        )?;
        Ok(Answer { ms })
    }
}
