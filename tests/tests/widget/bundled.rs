//! The package in a TypeScript project bundled by Vite.

use std::fs;

use tests::{
    browser::SOON,
    npm::{command, output},
    site,
};

use crate::{ELEMENT, asked, package, package::Package, predicts, shows};

const TEXT: &str = "my math teacher gave us so much homework today";

/// Uses that the declarations must refuse. TypeScript reports each one that they allow.
const REFUSED: &str = "
    import { load, type Named, type Progress } from 'user-attributes';
    import 'user-attributes/element';

    const estimate = document.createElement('user-attributes');
    const model = await load('model.safetensors', { backend: 'cpu', signal: AbortSignal.timeout(1) });
    // @ts-expect-error
    load(7);
    // @ts-expect-error
    load(undefined, { backend: 'gpu' });
    // @ts-expect-error
    model.predict('a text that is no list of texts');
    // @ts-expect-error
    model.predict([7]);
    model.predict(['text'], { baseRates: { gender: { female: 0.8, male: 0.2 } } });
    // @ts-expect-error
    model.predict(['text'], { baseRates: 'fair' });
    // @ts-expect-error
    model.card = null;
    // @ts-expect-error
    const [{ label }] = await model.predict(['text']);
    const rates: Named<Named<number>> = model.baseRates;
    // @ts-expect-error
    const names: Named<string> = rates;
    estimate.baseRates = null;
    // @ts-expect-error
    estimate.baseRates = 'fair';
    // @ts-expect-error
    estimate.theme = 'blue';
    // @ts-expect-error
    estimate.show = ['age'];
    estimate.show = 'age';
    // @ts-expect-error
    estimate.prediction = null;
    // @ts-expect-error
    estimate.addEventListener('prediction', ({ detail }) => detail.message);
    // @ts-expect-error
    estimate.addEventListener('error', ({ detail }) => detail.text);
    estimate.addEventListener('progress', ({ detail }) => {
        const progress: Progress = detail;
        // @ts-expect-error
        return progress.total + 1;
    });
    // The events of every element keep their types.
    estimate.addEventListener('click', ({ clientX }) => clientX);
";

/// The messages that `index.js` sends and reads are those of the generated `protocol.d.ts`.
#[test]
fn the_widgets_javascript_fits_its_declarations() {
    let options = "--noEmit --allowJs --strictNullChecks --target es2023 --module esnext --moduleResolution bundler";
    let files = ["index.js", "locale.js", "style.js"];
    let mut tsc = command("tsc", &site::file("widget"));
    output(tsc.args(options.split(' ')).args(files));
}

#[test]
fn the_declarations_refuse_wrong_uses() {
    let package = Package::install();
    let project = package.project("vite");
    fs::write(project.path().join("refused.ts"), REFUSED).expect("it takes files");
    output(command("tsc", project.path()).arg("--noEmit"));
}

#[test]
fn what_vite_has_built_predicts_like_the_command() {
    let package = Package::install();
    let project = package.project("vite");
    package::build(project.path()).run(async |page| {
        page.write(TEXT).await;
        shows(&page, ELEMENT, &[TEXT]).await;
        page.until("return document.title.startsWith('9 words: ')", SOON)
            .await;
        for reader in ["page", "worker"] {
            let read = format!("document.querySelector('#{reader}').value");
            page.until(&format!("return {read} !== ''"), SOON).await;
            predicts(
                &page.script(&format!("return JSON.parse({read})")).await,
                &[TEXT],
            );
        }
        // The element and the page share one worker; the other one is the page's own.
        assert_eq!(page.script("return workers").await, 2);
        // Everything comes from the bundle, nothing from the site's widget folder.
        assert_eq!(asked(&page, ".safetensors"), 2);
        let requests = page.site.requests();
        let unbuilt = requests.iter().find(|path| path.starts_with("widget/"));
        assert_eq!(unbuilt, None);
    });
}
