//! The package in Node, which has no web workers and no document.

use serde_json::{Value, json};
use tests::{
    BILINGUAL, BUNDLE, agrees,
    npm::{command, output},
    population, predict_under, same_shares, share_lists, site,
};

use crate::{POSTS, lists, package::Package, predicts, predicts_by};

/// Runs a module with the package and returns the value with which it calls `tell`.
fn tell(script: &str) -> Value {
    let package = Package::install();
    let module = format!(
        "import {{ load }} from 'user-attributes';
        import {{ readFileSync }} from 'node:fs';
        const tell = value => console.log(JSON.stringify(value));
        const failure = async (promise) => promise.then(() => 'nothing failed', error => error.message);
        {script}"
    );
    let printed =
        output(command("node", package.path()).args(["--input-type=module", "--eval", &module]));
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"))
}

#[test]
fn the_example_predicts_like_the_command() {
    let package = Package::install();
    let project = package.project("node");
    let printed = output(
        command("node", project.path())
            .arg("predict.js")
            .args(POSTS),
    );
    predicts(
        &serde_json::from_str(&printed).expect("it writes JSON"),
        &POSTS,
    );
}

#[test]
fn the_chinese_model_could_not_be_loaded_from_local_files() {
    let package = Package::install();
    let project = package.project("node");
    let posts = ["明天还有两门考试", "妈妈说不许去逛街"];
    let said = output(
        command("node", project.path())
            .arg("chinese.js")
            .args(posts),
    );
    predicts_by(
        BILINGUAL,
        &serde_json::from_str(&said).expect("it writes JSON"),
        &posts,
    );
}

#[test]
fn a_file_that_has_changed_is_read_again() {
    let told = tell(
        "import { copyFileSync } from 'node:fs';
        const model = async (name) => {
            copyFileSync(new URL(import.meta.resolve(`user-attributes/models/${name}.safetensors`)), 'model.safetensors');
            const model = await load('model.safetensors');
            const { card } = model;
            model.free();
            return card.name;
        };
        const names = [await model('en'), await model('en-single')];
        tell(names[0] !== names[1]);",
    );
    assert_eq!(told, true);
}

#[test]
fn waiting_ends_with_its_signal() {
    let told = tell(
        "const given_up = new Error('given up');
        const at_once = new AbortController();
        const loading = failure(load(undefined, { signal: at_once.signal }));
        at_once.abort(given_up);

        const model = await load();
        const midway = new AbortController();
        let done = 0;
        const texts = Array(4000).fill('my school was fun today');
        const onprogress = (part) => {
            done = part;
            midway.abort(given_up);
        };
        const predicting = failure(model.predict(texts, { signal: midway.signal, onprogress }));
        const told = { loading: await loading, predicting: await predicting, some: 0 < done && done < texts.length };
        const [{ words }] = await model.predict(['it still reads']);
        // The program ends although the model is not freed.
        tell({ ...told, words });",
    );
    let wanted =
        json!({ "loading": "given up", "predicting": "given up", "some": true, "words": 3 });
    assert_eq!(told, wanted);
}

#[test]
fn base_rates_shift_a_prediction_as_with_the_command() {
    let given = r#"{"gender":{"female":0.1,"male":0.9}}"#;
    let told = tell(&format!(
        "const model = await load();
        const user = {};
        const read = async (baseRates) => (await model.predict([user], {{ baseRates }}))[0];
        const explained = await model.explain(user, {{ baseRates: {given} }});
        const shares = Object.entries(model.baseRates).map(([name, shares]) => [name, Object.keys(shares).length]);
        tell([await read({given}), await read(undefined), explained.prediction, shares]);",
        json!(POSTS)
    ));
    let user = json!({ "posts": POSTS }).to_string();
    for (place, base_rates) in [given, "equal", given].into_iter().enumerate() {
        let predicted = predict_under(base_rates, &site::read(BUNDLE), &user);
        agrees(&lists(&told[place]), &predicted[0]);
    }
    assert_eq!(
        told[3],
        json!([["profession", 7], ["age", 11], ["gender", 2]])
    );
}

#[test]
fn shares_are_those_of_the_command() {
    let users: Vec<Vec<String>> = (0..40)
        .map(|user| {
            let post = POSTS[user % POSTS.len()];
            (0..1 + user % 4).map(|_| post.to_owned()).collect()
        })
        .collect();
    let told = tell(&format!(
        "const model = await load();
        const users = {};
        const given_up = new Error('given up');
        const stopped = new AbortController();
        const abandoned = failure(model.population(users, {{ signal: stopped.signal }}));
        stopped.abort(given_up);
        // Sets that are read at the same time do not mix.
        const [estimate, counted, none] = await Promise.all([
            model.population(users), model.population(users.slice(0, 30), {{ method: 'cc' }}), model.population([])]);
        tell({{ estimate, counted, none, abandoned: await abandoned }});",
        json!(users)
    ));
    let jsonl = |users: &[Vec<String>]| -> String {
        let lines = users.iter().map(|posts| json!({ "posts": posts }));
        lines.map(|line| format!("{line}\n")).collect()
    };
    for (name, method, users) in [
        ("estimate", "bayes", &users[..]),
        ("counted", "cc", &users[..30]),
    ] {
        let wanted = population(BUNDLE, method, &jsonl(users));
        for field in ["users", "method", "without_known_words"] {
            assert_eq!(told[name][field], wanted[field]);
        }
        same_shares(&share_lists(&told[name]), &share_lists(&wanted), name);
    }
    let none = &told["none"];
    assert_eq!((&none["users"], &none["joint"]), (&json!(0), &json!([])));
    assert_eq!(told["abandoned"], "given up");
}

#[test]
fn what_cannot_be_used_is_named() {
    let told = tell(
        "const address = new URL(import.meta.resolve('user-attributes/models/en.safetensors'));
        const damaged = new Uint8Array(readFileSync(address));
        damaged[damaged.length - 1] ^= 1;
        const model = await load(address.href);
        const failures = [
            load('models/missing.safetensors'),
            load('http://127.0.0.1:1/model.safetensors'),
            load('http://'),
            load(damaged),
            load(damaged.slice(0, 1000)),
            load(new Blob(['this is no model'])),
            load(7),
            load(address, { backend: 'gpu' }),
            model.predict('a text'),
            model.predict([7]),
            model.population('a text'),
            model.population(['a text'], { method: 'guess' }),
            model.predict(['a text'], { baseRates: 'fair' }),
            model.predict(['a text'], { baseRates: { gender: { female: NaN, male: 1 } } }),
            model.explain('a text', { baseRates: { gender: { female: 0.5, male: 0.6 } } }),
        ];
        const messages = await Promise.all(failures.map(failure));
        const [{ words }] = await model.predict(['it still reads']);
        model.free();
        tell([...messages, await failure(model.predict(['a text'])), String(words)]);",
    );
    let wanted = [
        "/models/missing.safetensors",
        "could not fetch http://127.0.0.1:1/model.safetensors",
        "not a valid address: http://",
        "damaged",
        "cut off",
        "not an auxlstm bundle",
        "an address, a Blob, an ArrayBuffer or a Uint8Array",
        "unknown backend gpu",
        "a list of texts",
        "a text must be a string",
        "population expects a list of texts",
        "unknown method guess: use cc, pcc, acc",
        "nor shares by attribute and class: \"fair\"",
        "nor shares by attribute and class",
        "the shares sum to 1.100",
        "has been freed",
        "3",
    ];
    let told = told.as_array().expect("a list of messages");
    assert_eq!(told.len(), wanted.len());
    for (message, wanted) in told.iter().zip(wanted) {
        let message = message.as_str().expect("a message");
        assert!(message.contains(wanted), "{wanted}: {message}");
    }
}

/// A text cut within an emoji ended the worker, and with it all models.
#[test]
fn half_a_character_ended_the_worker() {
    let told = tell(
        "const model = await load();
        const half = 'rain 😋 tea'.slice(0, 6);
        const [{ words }] = await model.predict([half]);
        const explained = await model.explain(['\\udfff rain']);
        const places = explained.words.map(({ start, end }) => [start, end]);
        const segmented = await model.segment(half);
        const rates = await failure(model.predict(['rain'], { baseRates: { [half]: { female: 1 } } }));
        tell({ words, places, segmented, rates, still: (await model.predict(['it still reads']))[0].words });",
    );
    assert_eq!(told["words"], 1);
    assert_eq!(told["places"], json!([[2, 6]]));
    assert_eq!(told["segmented"], json!([["rain"]]));
    let rates = told["rates"].as_str().expect("a message");
    assert!(rates.contains("does not predict"), "{rates}");
    assert_eq!(told["still"], 3);
}

/// An error in the callback of `load` ended the program, which could not catch it.
#[test]
fn a_callback_that_throws_ended_the_program() {
    let told = tell(
        "const onprogress = () => { throw new Error('mine'); };
        const both = [failure(load(undefined, { onprogress })), load()];
        const [failed, model] = await Promise.all(both);
        const predicting = await failure(model.predict(['rain'], { onprogress }));
        tell([failed, predicting, String((await model.predict(['it still reads']))[0].words)]);",
    );
    assert_eq!(told, json!(["mine", "mine", "3"]));
}

#[test]
fn base_rates_without_a_json_form_were_called_a_long_text() {
    let told = tell(
        "const circle = {};
        circle.circle = circle;
        const model = await load();
        const failures = [circle, { gender: { female: 1n } }].map(
            (baseRates) => failure(model.predict(['rain'], { baseRates })));
        tell(await Promise.all(failures));",
    );
    for message in told.as_array().expect("a list of messages") {
        let message = message.as_str().expect("a message");
        assert!(
            message.contains("nor shares by attribute and class: object"),
            "{message}"
        );
    }
}

#[test]
fn the_reason_for_the_cpu_is_an_english_text() {
    let told = tell(
        "const model = await load(undefined, { backend: 'webgpu' });
        tell(model.backend);",
    );
    let because = "there is no WebGPU here";
    assert_eq!(told, json!({ "cpu": { "because": because } }));
}

#[test]
fn what_is_freed_is_used_again() {
    // The second one also has a dictionary, in a program of its own.
    for (name, times) in [("en", 24), ("zh-en", 9)] {
        let told = tell(&format!(
            "const sizes = [];
            for (let time = 0; time < {times}; time += 1) {{
                const model = await load(import.meta.resolve('user-attributes/models/{name}.safetensors'));
                await model.predict(['my school was fun today 明天考试']);
                model.free();
                sizes.push(process.memoryUsage().external);
            }}
            const some = {times} / 3;
            tell({{ early: Math.max(...sizes.slice(0, some)), late: Math.min(...sizes.slice(-some)) }});",
        ));
        let [early, late] = ["early", "late"].map(|size| told[size].as_u64().expect("a number"));
        // The models in between are larger than that together.
        assert!(late < early + 30_000_000, "{name}: {told}");
    }
}

#[test]
fn a_text_of_half_a_gigabyte_never_ended() {
    let told = tell(
        "// If the program does not end by itself.
        setTimeout(() => process.exit(1), 120_000).unref();
        const model = await load();
        const long = await failure(model.segment(Array(600).fill('x'.repeat(1_000_000))));
        const [{ words }] = await model.predict(['it still reads']);
        tell({ long, words });",
    );
    assert_eq!(told, json!({ "long": "the text is too long", "words": 3 }));
}
