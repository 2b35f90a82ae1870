//! The writers of an archive, of whom one or all are chosen.

use leptos::prelude::*;

use super::link::Link;
use super::{focus_later, locale, t};
use crate::archive::Writer;

/// The most writers that are listed. More would make the page slow.
const LISTED: usize = 100;

/// The list of the writers with the most words.
#[component]
pub fn Writers(link: Link) -> impl IntoView {
    let archive = link.watch(|session| {
        let archive = session.archive()?;
        let writers = archive.writers();
        let count = writers.len();
        let listed: Vec<Writer> = writers.take(LISTED).cloned().collect();
        Some((archive.name().to_owned(), count, listed))
    });
    let heading = move || {
        archive.with(|archive| {
            let (name, ..) = archive.as_ref()?;
            Some(locale().format("file_heading", &[("file", name)]))
        })
    };
    let count = move || archive.with(|archive| archive.as_ref().map_or(0, |(_, count, _)| *count));
    let choose = move |place| {
        link.act(|session| session.choose_writer(place));
        focus_later("file");
    };
    let close = move |_| {
        link.act(|session| {
            session.close_files();
            Vec::new()
        });
        focus_later("posts");
    };
    let row = move |(place, writer): (usize, Writer)| {
        let Writer {
            id, posts, words, ..
        } = writer;
        view! {
            <tr>
                <th scope="row">
                    <button type="button" class="plain" on:click=move |_| choose(Some(place))><bdi>{id}</bdi></button>
                </th>
                <td>{posts}</td>
                <td>{words}</td>
            </tr>
        }
    };
    let rows = move || {
        let listed = archive.with(|archive| archive.as_ref().map(|(.., listed)| listed.clone()));
        let listed = listed.unwrap_or_default().into_iter().enumerate();
        listed.map(row).collect_view()
    };
    let partly = move || {
        let count = count();
        let arguments: [(&str, &dyn std::fmt::Display); 2] =
            [("shown", &LISTED), ("count", &count)];
        (LISTED < count).then(|| locale().format("most_words_shown", &arguments))
    };
    view! {
        <section class="panel result" aria-labelledby="archive">
            <h2 id="archive" tabindex="-1">{heading}</h2>
            <p class="note" role="status">{t("choose_writer")} " " {t("choose_writer_help")}</p>
            <div class="actions">
                <button type="button" on:click=move |_| choose(None)>
                    {move || locale().plural("all_of_them", count(), &[])}
                </button>
                <button type="button" on:click=close>{t("close_files")}</button>
            </div>
            <div class="table" tabindex="0" role="group" aria-labelledby="archive">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">{t("writer")}</th>
                            <th scope="col">{t("posts")}</th>
                            <th scope="col">{t("words")}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="note">{partly}</p>
        </section>
    }
}
