//! What both programs, the page's and the worker's, need of JavaScript.

use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// A property of a JavaScript object; `undefined` if there is none.
pub fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// What a JavaScript exception says: its message, or itself if it is a text. It becomes a part of a sentence.
pub fn describe(error: JsValue) -> String {
    let message = get(&error, "message")
        .as_string()
        .or_else(|| error.as_string())
        .unwrap_or_else(|| format!("{error:?}"));
    message.trim_end_matches('.').to_owned()
}
