//! The reader in its worker.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::File;

use super::blob::{BlobReader, Progress};
use super::{read, unreadable};
use crate::archive::Report;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = postMessage)]
    fn post_message(message: &JsValue);
    #[wasm_bindgen(js_name = postMessage)]
    fn post_and_transfer(message: &JsValue, transferred: &Array);
}

/// How many bytes are read between two reports of progress.
const REPORT_BYTES: u64 = 4 << 20;

/// Reads a list of files and sends the page what is in them.
#[wasm_bindgen]
pub fn read_files(files: Array) {
    console_error_panic_hook::set_once();
    let bytes_read = Rc::new(Cell::new(0));
    let reported = Cell::new(0);
    let progress: Progress = Rc::new(move |read| {
        if read >= reported.get() + REPORT_BYTES {
            reported.set(read);
            send(&Report::Progress(read));
        }
    });
    let mut given = Vec::new();
    for file in files.iter() {
        let file: File = file.unchecked_into();
        let name = file.name();
        match BlobReader::new(file.into(), Rc::clone(&bytes_read), Rc::clone(&progress)) {
            Ok(reader) => given.push((name, reader)),
            Err(error) => send(&unreadable(&name, &error)),
        }
    }
    read(given, &mut |report, bytes| {
        send(&report);
        if let Report::Users(_) | Report::Unpacked { .. } = report {
            let bytes = Uint8Array::from(bytes.as_slice());
            post_and_transfer(&bytes, &Array::of1(&bytes.buffer()));
        }
    });
    send(&Report::Done);
}

fn send(report: &Report) {
    // These types can always be written as JSON.
    if let Ok(json) = serde_json::to_string(report) {
        post_message(&json.into());
    }
}
