//! Fetches files and reports how much has arrived.

use std::cell::RefCell;

use js_sys::{ArrayBuffer, Function, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, ReadableWritablePair, Response};

use crate::js::{describe, get};
use crate::protocol::Reason;

#[wasm_bindgen]
extern "C" {
    /// The global `fetch` of a page, a worker or Node.
    #[wasm_bindgen(js_name = fetch)]
    fn request(url: &str) -> Promise;

    /// The browser's decompression. It is the pair of streams that another stream is piped through.
    #[wasm_bindgen(extends = ReadableWritablePair)]
    type DecompressionStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<DecompressionStream, JsValue>;
}

thread_local! {
    /// What is called in place of the global `fetch`.
    static FETCH: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Replaces the global `fetch` in this program. The function takes an address and returns a promise of a response.
pub fn replace(fetch: Option<Function>) {
    FETCH.set(fetch);
}

fn respond(url: &str) -> Result<Promise, JsValue> {
    FETCH.with_borrow(|fetch| match fetch {
        Some(fetch) => fetch
            .call1(&JsValue::NULL, &JsValue::from_str(url))
            .map(JsCast::unchecked_into),
        None => Ok(request(url)),
    })
}

/// The bytes at `url`. `progress` is called with the number of bytes received, and with their total if the server states
/// it.
pub async fn fetch(
    url: &str,
    mut progress: impl FnMut(u64, Option<u64>),
) -> Result<Vec<u8>, Reason> {
    let failed = |error: JsValue| Reason::NotFetched {
        address: url.into(),
        detail: describe(error),
    };
    let response: Response = JsFuture::from(respond(url).map_err(failed)?)
        .await
        .map_err(failed)?
        .unchecked_into();
    if !response.ok() {
        return Err(Reason::NotServed {
            address: url.into(),
            status: response.status(),
        });
    }
    let total = content_length(&response);
    progress(0, total);
    let mut bytes = Vec::new();
    let Some(body) = response.body() else {
        return Ok(bytes);
    };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(failed)?;
        if get(&chunk, "done").is_truthy() {
            return Ok(bytes);
        }
        let chunk: Uint8Array = get(&chunk, "value").unchecked_into();
        let start = bytes.len();
        bytes.resize(start + chunk.length() as usize, 0);
        chunk.copy_to(&mut bytes[start..]);
        progress(bytes.len() as u64, total);
    }
}

/// The length of the body, where it is known. For a compressed body the header gives another length, and across origins
/// browsers do not show whether it is compressed.
fn content_length(response: &Response) -> Option<u64> {
    let header = |name| response.headers().get(name).ok().flatten();
    let is_foreign = get(response, "type") == "cors";
    match header("content-encoding") {
        None if !is_foreign => header("content-length")?.parse().ok(),
        _ => None,
    }
}

/// Unpacks bytes that gzip has packed and returns others as they are: some servers unpack `.gz` files, others do not.
pub async fn gunzip(bytes: Vec<u8>) -> Result<Vec<u8>, Reason> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let failed = |error: JsValue| Reason::NotUnpacked(describe(error));
    let stream = DecompressionStream::new("gzip").map_err(failed)?;
    let packed = Response::new_with_opt_js_u8_array(Some(&Uint8Array::from(bytes.as_slice())))
        .map_err(failed)?;
    let body = packed
        .body()
        .ok_or_else(|| Reason::NotUnpacked("it is empty".into()))?;
    let unpacked = body.pipe_through(&stream);
    let response = Response::new_with_opt_readable_stream(Some(&unpacked)).map_err(failed)?;
    let buffer = JsFuture::from(response.array_buffer().map_err(failed)?)
        .await
        .map_err(failed)?;
    Ok(Uint8Array::new(buffer.unchecked_ref::<ArrayBuffer>()).to_vec())
}
