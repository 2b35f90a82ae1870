//! The choice of backend, and what happens when a backend fails.

use std::time::Duration;

use tests::{
    BUNDLE,
    browser::{LATE, SOON, Visit},
    driver::Need,
    same,
};

use crate::{TEXTS, before_worker, bundle, failed, note};

#[test]
fn a_software_gpu_is_not_chosen_automatically() {
    Visit::default().needs(Need::SoftwareGpu).run(async |page| {
        let running = page.ready().await;
        assert!(
            running.starts_with("Runs on the CPU: ") && running.contains("software"),
            "{running}"
        );
    });
}

#[test]
fn without_webgpu_the_cpu_runs_and_the_page_says_why() {
    // Also on a machine that has a GPU.
    let no_adapter = "if (self.GPU) GPU.prototype.requestAdapter = async () => null;";
    Visit::default()
        .instead("widget/start_worker.js", before_worker(no_adapter))
        .run(async |page| {
            page.choose("WebGPU").await;
            let running = page.ready().await;
            let reason = match page.script("return 'gpu' in navigator").await == true {
                true => "WebGPU finds no adapter here",
                false => "there is no WebGPU here",
            };
            assert_eq!(running, format!("Runs on the CPU: {reason}."));
            page.write(&TEXTS[0].join("\n")).await;
            page.settled(SOON).await;
            same(&page.shown().await, TEXTS[0]);
        });
}

#[test]
fn an_adapter_that_the_gpu_code_cannot_use_is_left_alone() {
    let no_features =
        "Object.defineProperty(GPUAdapter.prototype, 'features', { get: () => new Set() });";
    Visit::default()
        .needs(Need::SoftwareGpu)
        .instead("widget/start_worker.js", before_worker(no_features))
        .run(async |page| {
            page.choose("WebGPU").await;
            let running = page.ready().await;
            assert!(
                running.starts_with("Runs on the CPU: ") && running.contains("timestamp-query"),
                "{running}"
            );
        });
}

#[test]
fn on_webgpu_a_chinese_model_segments_too() {
    let chinese = bundle(|bundle| bundle.settings.dictionary = true);
    Visit::default()
        .needs(Need::SoftwareGpu)
        .instead(BUNDLE, chinese)
        .run(async |page| {
            page.choose("WebGPU").await;
            assert!(page.ready().await.starts_with("Runs on WebGPU"));
            page.write("今天天气很好").await;
            page.settled(LATE).await;
            let note = note(&page).await;
            assert!(note.contains(" of 3 words."), "{note}");
        });
}

#[test]
fn a_busy_gpu_can_be_left_for_the_cpu() {
    // The GPU never finishes.
    let hanging = "GPUBuffer.prototype.mapAsync = () => new Promise(() => {});";
    Visit::default()
        .needs(Need::SoftwareGpu)
        .instead("widget/start_worker.js", before_worker(hanging))
        .run(async |page| {
            page.choose("WebGPU").await;
            assert!(page.ready().await.starts_with("Runs on WebGPU"));
            page.write(&TEXTS[0].join("\n")).await;
            // The page waits for a pause in the typing before it sends the text.
            tokio::time::sleep(Duration::from_secs(1)).await;
            page.choose("CPU").await;
            page.settled(SOON).await;
            assert_eq!(page.status().await, "Runs on the CPU.");
            same(&page.shown().await, TEXTS[0]);
        });
}

#[test]
fn a_gpu_that_refuses_work_is_replaced_by_the_cpu() {
    fails(UNPLUG, &["unplugged"]);
}

#[test]
fn an_exception_on_the_cpu_after_the_gpu_has_failed_is_reported_and_can_be_tried_again() {
    let stop_the_clock = "const now = performance.now.bind(performance);
        performance.now = () => {
            if (asked > 2) throw new Error('the test has stopped the clock');
            return now();
        };";
    Visit::default()
        .needs(Need::SoftwareGpu)
        .instead(
            "widget/start_worker.js",
            before_worker(&format!("{COUNT}{UNPLUG}{stop_the_clock}")),
        )
        .run(async |page| {
            page.choose("WebGPU").await;
            page.ready().await;
            for text in ["my school", "my wife"] {
                page.write(text).await;
                page.settled(LATE).await;
            }
            let running = page.status().await;
            assert!(
                running.starts_with("Runs on the CPU: WebGPU failed"),
                "{running}"
            );
            page.write(&TEXTS[0].join("\n")).await;
            let status = failed(&page).await;
            assert!(status.contains("stopped the clock"), "{status}");
            page.press("Try again").await;
            page.settled(LATE).await;
            same(&page.shown().await, TEXTS[0]);
        });
}

#[test]
fn a_gpu_that_is_lost_while_it_computes_is_replaced_by_the_cpu() {
    fails(
        "const request = GPUAdapter.prototype.requestDevice;
        let device;
        GPUAdapter.prototype.requestDevice = async function (...wishes) {
            device = await request.apply(this, wishes);
            return device;
        };
        const submit = GPUQueue.prototype.submit;
        GPUQueue.prototype.submit = function (...work) {
            submit.apply(this, work);
            if (asked > 1) device.destroy();
        };",
        &["lost", "destroyed"],
    );
}

#[test]
fn a_gpu_without_memory_is_replaced_by_the_cpu() {
    // A size that no buffer of the page has, and that is more than the software adapter has.
    fails(
        "const create = GPUDevice.prototype.createBuffer;
        GPUDevice.prototype.createBuffer = function (wanted) {
            const size = asked > 1 ? this.limits.maxBufferSize : wanted.size;
            return create.call(this, { ...wanted, size });
        };",
        &["Memory"],
    );
}

/// Counts the predictions that the worker has been asked for.
const COUNT: &str = "let asked = 0;
    self.addEventListener('message', event => { if (String(event.data).startsWith('{\"predict\"')) asked += 1; });";

/// Has the GPU fail from the second prediction on.
const UNPLUG: &str = "const submit = GPUQueue.prototype.submit;
    GPUQueue.prototype.submit = function (...work) {
        if (asked > 1) throw new Error('the test has unplugged it');
        return submit.apply(this, work);
    };";

/// Checks a GPU that fails from the second prediction on: the CPU predicts in its place, and the page says why, with one
/// of these words. The script makes the GPU fail when `asked`, the number of predictions so far, is above 1.
fn fails(script: &str, because: &'static [&str]) {
    Visit::default()
        .needs(Need::SoftwareGpu)
        .instead(
            "widget/start_worker.js",
            before_worker(&format!("{COUNT}{script}")),
        )
        .run(async move |page| {
            page.choose("WebGPU").await;
            assert!(page.ready().await.starts_with("Runs on WebGPU"));
            page.write("my school").await;
            page.settled(LATE).await;
            assert!(page.status().await.starts_with("Runs on WebGPU"));
            let before = workers(&page.site.requests());
            page.write(&TEXTS[0].join("\n")).await;
            page.settled(LATE).await;
            let running = page.ready().await;
            assert!(
                running.starts_with("Runs on the CPU: WebGPU failed")
                    && because.iter().any(|word| running.contains(word)),
                "{running}"
            );
            same(&page.shown().await, TEXTS[0]);
            let after = workers(&page.site.requests());
            assert_eq!(
                before, after,
                "the same worker, which need not fetch anything again"
            );
            // The worker answers the next text too.
            page.write(&TEXTS[1].join("\n")).await;
            page.settled(SOON).await;
            same(&page.shown().await, TEXTS[1]);
        });
}

/// How many workers the page has started.
fn workers(requests: &[String]) -> usize {
    let starts = requests.iter();
    starts
        .filter(|path| *path == "widget/start_worker.js")
        .count()
}
