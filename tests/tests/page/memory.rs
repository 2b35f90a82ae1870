//! The page does not leak memory.

use serde_json::{Value, json};
use tests::{
    browser::{Page, Visit},
    driver::Need,
};

use crate::{array, before_worker, with_script};

/// The most bytes that 200 predictions may add: less than the evidence of one text for each.
const MOST: f64 = 5e5;

/// Reports the memory of a WebAssembly program, which Chromium's measurement leaves out, and adds to it on request.
const TELL: &str = "for (const name of ['instantiate', 'instantiateStreaming']) {
        const start = WebAssembly[name];
        WebAssembly[name] = async (...given) => {
            const started = await start.apply(WebAssembly, given);
            const { memory } = (started.instance ?? started).exports;
            const channel = new BroadcastChannel('memory');
            const hoard = [];
            channel.onmessage = ({ data }) => {
                if (data === 'tell') channel.postMessage(memory.buffer.byteLength);
                if (data === 'hoard') hoard.push(memory.grow(2), new Uint8Array(1e5).fill(1));
            };
            return started;
        };
    }\n";

#[test]
fn two_hundred_predictions_do_not_leak() {
    visit().run(async |page| {
        warm_up(&page).await;
        let before = held(&page).await;
        for from in (20..220).step_by(20) {
            write_in_turn(&page, from, from + 20).await;
        }
        let after = held(&page).await;
        println!("{before:?} bytes, and then {after:?}");
        for (before, after) in before.into_iter().zip(after) {
            assert!(after - before < MOST, "{} bytes more", after - before);
        }
    });
}

#[test]
fn a_leak_is_noticed() {
    visit().run(async |page| {
        warm_up(&page).await;
        let before = held(&page).await;
        page.script("for (let time = 0; time < 10; time += 1) new BroadcastChannel('memory').postMessage('hoard')")
            .await;
        let after = held(&page).await;
        for (before, after) in before.into_iter().zip(after) {
            assert!(after - before > MOST, "{} bytes more", after - before);
        }
    });
}

/// A visit that reports its memory.
fn visit() -> Visit {
    with_script(TELL)
        .instead("widget/start_worker.js", before_worker(TELL))
        // Browsers measure page and worker together only for pages that are isolated from other sites.
        .add_header("cross-origin-opener-policy: same-origin")
        .add_header("cross-origin-embedder-policy: require-corp")
        .needs(Need::MemoryMeasurement)
}

/// Makes twenty predictions with evidence. They use all the words of the test, because the worker caches what it has computed
/// of a word, up to a limit.
async fn warm_up(page: &Page) {
    page.choose("CPU").await;
    page.ready().await;
    write_in_turn(page, 0, 1).await;
    page.click("//summary[normalize-space()='Why?']").await;
    write_in_turn(page, 1, 20).await;
}

/// Types one text after the other. Each waits for the estimate and the evidence of the one before.
async fn write_in_turn(page: &Page, from: usize, to: usize) {
    let script = "return (async (from, to) => {
        const area = document.querySelector('textarea');
        const result = document.querySelector('.result');
        const words = `my school wife homework server network painting gallery budget principal mom dude song work
            dinner today tomorrow friends office paper students teacher game money house morning night coffee train
            weather music`.split(/\\s+/);
        const text = number => Array.from({ length: 30 + number * 7 % 90 },
            (_, place) => words[(number * 11 + place * (1 + number % 5)) % words.length]).join(' ') + (number % 3 ? ' ok' : '\\nso it is');
        const until = async (what) => { do await new Promise(next => setTimeout(next, 10)); while (!what()) };
        const explained = posts => JSON.stringify([...document.querySelectorAll('.marked p')]
            .map(post => post.textContent)) === JSON.stringify(posts);
        for (let number = from; number < to; number += 1) {
            area.value = text(number);
            area.dispatchEvent(new Event('input', { bubbles: true }));
            await until(() => result.ariaBusy === 'false' && document.querySelector('.why'));
            const { open } = document.querySelector('.why');
            await until(() => !open || explained(area.value.split('\\n')));
        }
    })(...arguments)";
    let numbers = vec![json!(from), json!(to)];
    (page.client.execute(script, numbers).await).expect("the texts can be typed");
}

/// The bytes held by the scripts of page and worker, after a garbage collection, and by their WebAssembly programs.
async fn held(page: &Page) -> [f64; 2] {
    let script = "return (async () => {
        const channel = new BroadcastChannel('memory');
        const programs = [];
        const told = new Promise(resolve => {
            channel.onmessage = ({ data }) => { if (programs.push(data) === 2) resolve(); };
        });
        channel.postMessage('tell');
        await told;
        channel.close();
        const { breakdown } = await performance.measureUserAgentSpecificMemory();
        const own = breakdown.filter(({ attribution }) => attribution.length > 0);
        return [own.map(({ bytes }) => bytes), programs];
    })()";
    let found = page.script(script).await;
    let sum = |part: &Value| {
        array(part)
            .iter()
            .map(|bytes| bytes.as_f64().expect("a number"))
            .sum()
    };
    [sum(&found[0]), sum(&found[1])]
}
