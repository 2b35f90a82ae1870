//! The worker's side of the program that segments Chinese (`crate::chinese`), which runs in the same worker.

use js_sys::{Function, Promise};
use model_core::jieba::Jieba;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::js::describe;
use crate::protocol::Reason;

#[wasm_bindgen]
extern "C" {
    /// The program's module.
    pub type Module;
    #[wasm_bindgen(method, catch)]
    fn open(this: &Module, dictionary: &[u8]) -> Result<Program, JsValue>;

    /// The program's `Chinese`.
    #[derive(Debug)]
    type Program;
    #[wasm_bindgen(method)]
    fn words(this: &Program, text: &[u8]) -> Vec<u32>;
    #[wasm_bindgen(method)]
    fn lowest_frequency(this: &Program, word: &str) -> usize;
    #[wasm_bindgen(method)]
    fn add(this: &Program, word: &str, frequency: usize, tag: Option<&str>);
    #[wasm_bindgen(method)]
    fn free(this: &Program);
}

/// The program, which `fetch` fetches when it is first called.
pub async fn program(fetch: Function) -> Result<Module, Reason> {
    let failed = |error| Reason::NoSegmentation(describe(error));
    let module: Promise = fetch
        .call0(&JsValue::NULL)
        .map_err(failed)?
        .unchecked_into();
    let module = JsFuture::from(module).await.map_err(failed)?;
    Ok(module.unchecked_into())
}

impl Module {
    /// A jieba with this dictionary, or a message about an invalid one.
    pub fn jieba(&self, dictionary: &[u8]) -> Result<Box<dyn Jieba>, String> {
        let program = self.open(dictionary).map_err(describe)?;
        Ok(Box::new(Elsewhere(program)))
    }
}

/// A jieba in the program.
#[derive(Debug)]
struct Elsewhere(Program);

impl Jieba for Elsewhere {
    fn words<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut rest = text;
        let lengths = self.0.words(text.as_bytes()).into_iter();
        let words = lengths.map(|length| {
            let (word, after) = rest.split_at(length as usize);
            rest = after;
            word
        });
        words.collect()
    }

    fn lowest_frequency(&self, word: &str) -> usize {
        self.0.lowest_frequency(word)
    }

    fn add(&mut self, word: &str, frequency: usize, tag: Option<&str>) {
        self.0.add(word, frequency, tag);
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.0.free();
    }
}
