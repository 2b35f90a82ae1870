//! What the model runs on: what can, and when that fails, what can still.

use std::time::Duration;

use tests::{
    browser::{LATE, SOFTWARE_GPU, SOON, Visit},
    same,
};

use crate::{TEXTS, before_worker};

#[test]
fn a_software_gpu_is_not_chosen_automatically() {
    Visit::default().flags(&SOFTWARE_GPU).run(async |page| {
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
    let no_adapter = "GPU.prototype.requestAdapter = async () => null;";
    Visit::default()
        .instead("widget/start_worker.js", before_worker(no_adapter))
        .run(async |page| {
            page.choose("WebGPU").await;
            let running = page.ready().await;
            assert_eq!(running, "Runs on the CPU: WebGPU finds no adapter here.");
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
        .flags(&SOFTWARE_GPU)
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
fn a_busy_gpu_can_be_left_for_the_cpu() {
    // The GPU never comes to an end.
    let hanging = "GPUBuffer.prototype.mapAsync = () => new Promise(() => {});";
    Visit::default()
        .flags(&SOFTWARE_GPU)
        .instead("widget/start_worker.js", before_worker(hanging))
        .run(async |page| {
            page.choose("WebGPU").await;
            assert!(page.ready().await.starts_with("Runs on WebGPU"));
            page.write(&TEXTS[0].join("\n")).await;
            // Until after the pause in the typing that the page waits for.
            tokio::time::sleep(Duration::from_secs(1)).await;
            page.choose("CPU").await;
            page.settled(SOON).await;
            assert_eq!(page.status().await, "Runs on the CPU.");
            same(&page.shown().await, TEXTS[0]);
        });
}

#[test]
fn a_gpu_that_refuses_work_is_replaced_by_the_cpu() {
    fails(
        "const submit = GPUQueue.prototype.submit;
        GPUQueue.prototype.submit = function (...work) {
            if (asked > 1) throw new Error('the test has unplugged it');
            return submit.apply(this, work);
        };",
        &["unplugged"],
    );
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
    // As much as no buffer of the page's takes, and more than the software adapter has.
    fails(
        "const create = GPUDevice.prototype.createBuffer;
        GPUDevice.prototype.createBuffer = function (wanted) {
            const size = asked > 1 ? this.limits.maxBufferSize : wanted.size;
            return create.call(this, { ...wanted, size });
        };",
        &["Memory"],
    );
}

/// Checks that with a GPU that fails like this from the second prediction on, which a script brings about that sees how many
/// have been `asked` for, the CPU does the work again and the page says why, with one of these words.
fn fails(script: &str, because: &'static [&str]) {
    let count = "let asked = 0;
        self.addEventListener('message', event => { if (String(event.data).startsWith('{\"predict\"')) asked += 1; });";
    Visit::default()
        .flags(&SOFTWARE_GPU)
        .instead(
            "widget/start_worker.js",
            before_worker(&format!("{count}{script}")),
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
                "it is the same worker, with what it has fetched"
            );
            // And it goes on.
            page.write(&TEXTS[1].join("\n")).await;
            page.settled(SOON).await;
            same(&page.shown().await, TEXTS[1]);
        });
}

/// How many workers have been started.
fn workers(requests: &[String]) -> usize {
    let starts = requests.iter();
    starts
        .filter(|path| *path == "widget/start_worker.js")
        .count()
}
