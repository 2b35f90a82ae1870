//! The program that segments Chinese. The worker fetches it for the first model that needs it and calls the functions here. It is
//! a separate program, so that readers of English do not fetch the tables of jieba.

use model_core::jieba::{self, Jieba};
use wasm_bindgen::prelude::*;

/// A jieba with its dictionary.
#[wasm_bindgen]
pub struct Chinese {
    jieba: Box<dyn Jieba>,
}

/// A jieba with this dictionary.
#[wasm_bindgen]
pub fn open(dictionary: &[u8]) -> Result<Chinese, JsError> {
    std::panic::set_hook(Box::new(console_error_panic_hook::hook));
    let jieba = jieba::open(dictionary).map_err(|message| JsError::new(&message))?;
    Ok(Chinese { jieba })
}

#[wasm_bindgen]
impl Chinese {
    /// The lengths of the words of a text. Both are in UTF-8, which takes less time than strings of JavaScript in between.
    pub fn words(&self, text: &[u8]) -> Vec<u32> {
        let text = str::from_utf8(text).unwrap_or_default();
        let words = self.jieba.words(text).into_iter();
        words.map(|word| word.len() as u32).collect()
    }

    /// The lowest frequency that keeps a word whole.
    pub fn lowest_frequency(&self, word: &str) -> usize {
        self.jieba.lowest_frequency(word)
    }

    /// Adds a word.
    pub fn add(&mut self, word: &str, frequency: usize, tag: Option<String>) {
        self.jieba.add(word, frequency, tag.as_deref());
    }
}
