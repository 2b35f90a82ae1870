//! What the browser reports about its GPU. It is asked before the GPU's program starts, because that panics if it
//! gets an adapter that it cannot use.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::backend::Adapter;
use crate::js::{describe, get};
use crate::protocol::Reason;

/// The adapter that WebGPU offers for heavy work, or why there is none.
pub async fn adapter() -> Result<Adapter, Reason> {
    let global = js_sys::global();
    let gpu = get(&get(&global, "navigator"), "gpu");
    if !gpu.is_truthy() {
        return Err(if get(&global, "isSecureContext") != JsValue::FALSE {
            Reason::NoWebGpu
        } else {
            Reason::InsecurePage
        });
    }
    let adapter = request_adapter(&gpu)
        .await
        .map_err(|error| Reason::AdapterRefused(describe(error)))?;
    if !adapter.is_truthy() {
        return Err(Reason::NoAdapter);
    }
    let info = get(&adapter, "info");
    let parts = ["vendor", "architecture", "device", "description"]
        .map(|part| get(&info, part).as_string().unwrap_or_default());
    // The flag has moved from the adapter to its info; browsers have one or both.
    let fallback = get(&info, "isFallbackAdapter").is_truthy()
        || get(&adapter, "isFallbackAdapter").is_truthy();
    Ok(Adapter::new(
        &parts,
        fallback,
        has(&get(&adapter, "features"), "timestamp-query"),
    ))
}

async fn request_adapter(gpu: &JsValue) -> Result<JsValue, JsValue> {
    // As the GPU's program asks, so that both get the same adapter.
    let options = Object::new();
    Reflect::set(
        &options,
        &"powerPreference".into(),
        &"high-performance".into(),
    )?;
    let request: Function = get(gpu, "requestAdapter").dyn_into()?;
    let promise: Promise = request.call1(gpu, &options)?.dyn_into()?;
    JsFuture::from(promise).await
}

fn has(set: &JsValue, member: &str) -> bool {
    let asked = get(set, "has")
        .dyn_into::<Function>()
        .and_then(|has| has.call1(set, &member.into()));
    asked.is_ok_and(|answer| answer.is_truthy())
}
