//! A file of many writers: choosing it, the run over it, its results and their downloads.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use js_sys::{Array, Uint8Array};
use leptos::prelude::*;
use model_core::attribute::Attribute;
use model_core::prediction::{Line, UserPrediction};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, BlobPropertyBag, File, FileList, HtmlAnchorElement, HtmlInputElement, Url};

use super::best::BestCell;
use super::link::Link;
use super::population::Population;
use super::{locale, t};
use crate::batch::{BadRecord, Batch, Export, State};
use crate::js::describe;
use crate::protocol::Reason;
use crate::session::{Session, Source, is_bundle};
use crate::summary;

/// The most rows that are shown. A table of all writers would make the page slow.
const SHOWN: usize = 100;

/// Opens the first of the files that the user has chosen or dropped. If there are more, `only` gets its name.
pub fn take_one(link: Link, files: &FileList, only: RwSignal<Option<String>>) {
    let Some(file) = files.get(0) else { return };
    only.set((files.length() > 1).then(|| file.name()));
    take(link, file);
}

/// Opens a file: a model or writers.
fn take(link: Link, file: File) {
    spawn_local(async move {
        let name = file.name();
        let bytes = match JsFuture::from(file.array_buffer()).await {
            Ok(buffer) => Uint8Array::new(&buffer).to_vec(),
            Err(error) => {
                let mut unread = Batch::new(name, Vec::new());
                unread.fail(Reason::UnreadableFile(describe(error)));
                return link.act(|session| session.run_file(unread));
            }
        };
        if is_bundle(&name) {
            link.act(|session| session.use_model(Source::File(bytes.into())));
        } else {
            link.act(|session| session.run_file(Batch::new(name, bytes)));
        }
    });
}

/// The button that chooses a file. `only` is the name of the file that was opened if there were several.
#[component]
pub fn Choose(link: Link, only: RwSignal<Option<String>>) -> impl IntoView {
    let changed = move |event: web_sys::Event| {
        let input: HtmlInputElement = event_target(&event);
        if let Some(files) = input.files() {
            take_one(link, &files, only);
        }
        // Otherwise choosing the same file again would be no change.
        input.set_value("");
    };
    view! {
        <div class="choose">
            <label class="button">
                <input
                    type="file"
                    accept=".jsonl,.ndjson,.json,.csv,.tsv,.tab,.txt,.safetensors,.gz"
                    aria-describedby="file-help"
                    on:change=changed
                />
                {t("choose_file")}
            </label>
            <p class="note" id="file-help">{t("file_help")}</p>
        </div>
        <p class="note" role="status">{move || only.get().map(|file| locale().format("one_file", &[("file", &file)]))}</p>
    }
}

/// The progress of the run, without its rows.
#[derive(Clone, PartialEq)]
struct Overview {
    name: String,
    state: State,
    done: usize,
    read: usize,
    bytes: usize,
    bad: u64,
    reports: Vec<BadRecord>,
    notes: Vec<String>,
}

fn overview(session: &Session) -> Option<Overview> {
    let batch = session.batch()?;
    Some(Overview {
        name: batch.name().into(),
        state: batch.state().clone(),
        done: batch.lines().len(),
        read: batch.bytes_read(),
        bytes: batch.bytes(),
        bad: batch.bad_records(),
        reports: batch.reports().to_vec(),
        notes: batch.notes().to_vec(),
    })
}

/// The results of the file.
#[component]
pub fn Results(link: Link) -> impl IntoView {
    let overview = link.watch(overview);
    let state = Memo::new(move |_| overview.with(|all| all.as_ref().map(|all| all.state.clone())));
    let running = Memo::new(move |_| state.get() == Some(State::Running));
    let heading = move || {
        let name = overview.with(|all| all.as_ref().map(|all| all.name.clone()));
        locale().format("file_heading", &[("file", &name.unwrap_or_default())])
    };
    let count = move || overview.with(|all| all.as_ref().map_or(0, |all| all.done));
    let done = move || locale().plural("file_done", count(), &[]);
    let outcome = move || match state.get()? {
        State::Cancelled => Some(locale().t("file_cancelled").to_string()),
        State::Failed(reason) => {
            let error = locale().reason(&reason);
            Some(locale().format("file_failed", &[("error", &error)]))
        }
        State::Running | State::Finished => None,
    };
    let more =
        move || (count() > SHOWN).then(|| locale().format("file_shown", &[("shown", &SHOWN)]));
    let base_rates = link.watch(|session| session.batch().map(|batch| batch.base_rates().clone()));
    let assumed = move || {
        let base_rates = base_rates.get().filter(|_| count() > 0)?;
        Some(summary::base_rates(&base_rates, locale()))
    };
    view! {
        <section class="panel result" aria-labelledby="file">
            <h2 id="file">{heading}</h2>
            <p class="note" role="status">{done} " " {outcome}</p>
            <Show when=move || running.get()>
                <progress
                    aria-label=t("loading")
                    max=move || overview.with(|all| all.as_ref().map_or(1, |all| all.bytes.max(1)).to_string())
                    value=move || overview.with(|all| all.as_ref().map_or(0, |all| all.read).to_string())
                ></progress>
            </Show>
            <Actions link=link running=running />
            <Notes overview=overview />
            <BadRecords overview=overview />
            <Population link=link />
            <section class="writers" aria-labelledby="writers">
                <h3 id="writers">{t("each_writer")}</h3>
                <Predictions link=link />
                <p class="note">{more}</p>
                <p class="note assumed">{assumed}</p>
            </section>
        </section>
    }
}

/// The buttons that end the run, save its results and close the file.
#[component]
fn Actions(link: Link, running: Memo<bool>) -> impl IntoView {
    let saving = StoredValue::new(false);
    let save_as = move |format: Export| {
        if saving.get_value() {
            return;
        }
        saving.set_value(true);
        spawn_local(async move {
            if let Err(message) = save(link, format).await {
                // The page stays usable and still shows the rows.
                leptos::logging::error!("{message}");
            }
            // The view may be gone.
            let _ = saving.try_update_value(|saving| *saving = false);
        });
    };
    let download = move |format: Export| {
        let label = move || locale().format("download", &[("format", &format.name())]);
        view! { <button type="button" on:click=move |_| save_as(format)>{label}</button> }
    };
    let has_shares = link.watch(|session| {
        let population = session.batch().and_then(|batch| batch.population());
        matches!(population, Some(Ok(_)))
    });
    let save_shares = move |_| {
        if let Err(message) = save_shares(link) {
            leptos::logging::error!("{message}");
        }
    };
    view! {
        <div class="actions">
            <Show when=move || running.get()>
                <button type="button" on:click=move |_| link.act(|session| { session.cancel_file(); Vec::new() })>
                    {t("cancel")}
                </button>
            </Show>
            {[Export::Csv, Export::Jsonl].map(download).into_iter().collect_view()}
            <Show when=move || has_shares.get()>
                <button type="button" on:click=save_shares>{t("download_shares")}</button>
            </Show>
            <button type="button" on:click=move |_| link.act(|session| { session.close_file(); Vec::new() })>
                {t("close")}
            </button>
        </div>
    }
}

/// How the file is read, where another way was possible.
#[component]
fn Notes(overview: Memo<Option<Overview>>) -> impl IntoView {
    move || {
        let notes = overview.with(|all| all.as_ref().map(|all| all.notes.clone()))?;
        let notes = notes.into_iter();
        Some(notes.map(|note| view! { <p class="note" lang="en">{note}</p> }).collect_view())
    }
}

/// The records that could not be read, behind a disclosure.
#[component]
fn BadRecords(overview: Memo<Option<Overview>>) -> impl IntoView {
    move || {
        let (count, reports) =
            overview.with(|all| all.as_ref().map(|all| (all.bad, all.reports.clone())))?;
        let items = reports
            .into_iter()
            .map(|report| view! { <li>{report.message(locale())}</li> });
        (count > 0).then(|| {
            let summary = locale().plural("file_bad", count as usize, &[]);
            view! {
                <details class="bad">
                    <summary>{summary}</summary>
                    <ul>{items.collect_view()}</ul>
                </details>
            }
        })
    }
}

/// The table of the first writers.
#[component]
fn Predictions(link: Link) -> impl IntoView {
    let lines = link.watch(|session| {
        let lines = session
            .batch()
            .map(|batch| batch.lines())
            .unwrap_or_default();
        lines.iter().take(SHOWN).cloned().collect::<Vec<Line>>()
    });
    let attributes = link.watch(|session| {
        let attributes = session.model().map(|model| model.attributes.clone());
        attributes.unwrap_or_default()
    });
    let columns = move || {
        let column =
            |attribute: Attribute| view! { <th scope="col">{locale().name(&attribute.name)}</th> };
        attributes.get().into_iter().map(column).collect_view()
    };
    let row = move |line: Line| view! { <Row line=line attributes=attributes /> };
    view! {
        <div class="table" tabindex="0" role="group" aria-labelledby="writers">
            <table>
                <thead>
                    <tr>
                        <th scope="col">{t("writer")}</th>
                        <th scope="col">{t("words")}</th>
                        {columns}
                    </tr>
                </thead>
                <tbody>{move || lines.get().into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}

/// One writer: the id, the number of words, and the class to show of each attribute.
#[component]
fn Row(line: Line, attributes: Memo<Vec<Attribute>>) -> impl IntoView {
    let id = match line.id {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    let UserPrediction {
        words, predictions, ..
    } = line.prediction;
    let cells = move || {
        let cell = |attribute: Attribute| {
            let predicted = predictions.get(&attribute.name);
            let best = predicted.and_then(|predicted| summary::best(predicted, locale()));
            view! { <BestCell best=best /> }
        };
        attributes.get().into_iter().map(cell).collect_view()
    };
    view! { <tr><th scope="row"><bdi>{id}</bdi></th><td>{words}</td>{cells}</tr> }
}

/// How many rows of a download are written at a time. More would be felt while typing.
const SLICE: usize = 1_000;

/// Downloads the results so far. The page stays responsive meanwhile. There is no download if the run ends before: the file
/// is closed, or other base rates begin a new run.
async fn save(link: Link, format: Export) -> Result<(), String> {
    let run = link.look(|session| session.run_number());
    let (name, rows) = link.look(|session| {
        let batch = session.batch();
        let name = batch.map(|batch| batch.name().to_owned());
        (
            name.unwrap_or_default(),
            batch.map_or(0, |batch| batch.lines().len()),
        )
    });
    let parts = Array::new();
    for start in (0..rows.max(1)).step_by(SLICE) {
        if start > 0 {
            pause().await;
        }
        let part = link.look(|session| {
            let batch = session.batch().filter(|_| session.run_number() == run)?;
            Some(batch.export(format, start..rows.min(start + SLICE)))
        });
        let Some(part) = part else { return Ok(()) };
        let part = part.map_err(|error| error.to_string())?;
        parts.push(&blob(part)?);
    }
    let name = format!("{}-attributes.{}", stem(&name), format.extension());
    download(&name, &parts).map_err(describe)
}

/// Downloads the newest estimate of the shares.
fn save_shares(link: Link) -> Result<(), String> {
    let shares = link.look(|session| {
        let batch = session.batch()?;
        Some((batch.name().to_owned(), batch.shares_json()?))
    });
    let Some((name, json)) = shares else {
        return Ok(());
    };
    let name = format!("{}-shares.json", stem(&name));
    download(&name, &Array::of1(&blob(json)?)).map_err(describe)
}

/// A part of a download. The browser may keep a blob outside of the memory of the page.
fn blob(text: String) -> Result<JsValue, String> {
    let blob = Blob::new_with_str_sequence(&Array::of1(&text.into())).map_err(describe)?;
    Ok(blob.into())
}

/// The name of a file without its ending.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Lets the browser do other work.
async fn pause() {
    let mut has_paused = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_paused, true) {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        set_timeout(move || waker.wake(), Duration::ZERO);
        Poll::Pending
    })
    .await;
}

/// How long a browser may take to start a download. Some save nothing if the address is revoked before.
const DOWNLOAD_STARTS_WITHIN: Duration = Duration::from_secs(60);

/// Makes the browser save blobs as one file.
fn download(name: &str, parts: &Array) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type("text/plain;charset=utf-8");
    let blob = Blob::new_with_blob_sequence_and_options(parts, &options)?;
    let address = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&address);
    link.set_download(name);
    link.click();
    set_timeout(
        // It only fails for an address that was never made.
        move || drop(Url::revoke_object_url(&address)),
        DOWNLOAD_STARTS_WITHIN,
    );
    Ok(())
}
