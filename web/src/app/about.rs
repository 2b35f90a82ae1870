//! What the model card says.

use leptos::prelude::*;
use model_core::card::AttributeFigures;

use super::link::Link;
use super::reliability::{Reliability, share};
use super::{locale, t};
use crate::locale::Locale;
use crate::summary;

/// The terms of the model and the uses that it is not for. They are in sight, because they apply to every use of the page.
#[component]
pub fn Terms(link: Link) -> impl IntoView {
    let terms = link.watch(|session| {
        let card = &session.model()?.card;
        Some((card.licence.clone(), card.not_for.clone()))
    });
    move || {
        let (licence, not_for) = terms.get()?;
        let terms = [("card_licence", licence), ("card_not_for", not_for)];
        facts(terms, locale())
    }
}

/// The rest of the model card, behind a disclosure. Its hundreds of elements are made when it is first opened.
#[component]
pub fn About(link: Link) -> impl IntoView {
    let name = link.watch(|session| Some(session.model()?.card.name.clone()));
    let was_opened = RwSignal::new(false);
    let card = link.watch(move |session| {
        let model = session.model().filter(|_| was_opened.get())?;
        Some(model.card.clone())
    });
    let rest = move || {
        let card = card.get()?;
        let locale = locale();
        let has_figures = !card.figures.is_empty();
        let figures = has_figures.then(|| {
            let caption = summary::figures_caption(&card, locale);
            view! { <Figures caption=caption figures=card.figures.clone() locale=locale /> }
        });
        let more = [
            ("card_languages", card.languages.join(", ")),
            ("card_data", card.data),
            ("card_intended_use", card.intended_use),
            ("card_limits", card.limits),
            ("card_citations", card.citations.join("\n")),
        ];
        Some(view! {
            {facts(more, locale)}
            {figures}
            <Reliability figures=card.figures locale=locale />
        })
    };
    move || {
        let name = name.get()?;
        Some(view! {
            <details class="about" on:toggle=move |_| was_opened.set(true)>
                <summary><h2>{t("about")} " " <cite>{name}</cite></h2></summary>
                {rest}
            </details>
        })
    }
}

/// The facts that a card states in English, each with the key of its term; `None` if it states none of them.
fn facts<const N: usize>(facts: [(&'static str, String); N], locale: Locale) -> Option<AnyView> {
    let stated = facts.into_iter().filter(|(_, text)| !text.is_empty());
    let stated = stated.map(|(term, text)| {
        view! { <dt>{locale.t(term)}</dt><dd lang="en" dir="auto">{text}</dd> }
    });
    let stated = stated.collect::<Vec<_>>();
    (!stated.is_empty()).then(|| view! { <dl>{stated}</dl> }.into_any())
}

/// The test figures: of this model, or if it is a refit, of the model that was tested before it.
#[component]
fn Figures(caption: String, figures: Vec<AttributeFigures>, locale: Locale) -> impl IntoView {
    let columns = [
        "attribute",
        "writers",
        "correct",
        "majority",
        "macro_f1",
        "paper_f",
    ];
    let columns = columns.map(|column| view! { <th scope="col">{locale.t(column)}</th> });
    let decimals = |figure: f64| format!("{figure:.3}");
    let rows = figures.into_iter().map(|row| {
        view! {
            <tr>
                <th scope="row">{summary::figures_name(&row, locale)}</th>
                <td>{row.users}</td>
                <td>{share(row.accuracy)}</td>
                <td>{share(row.majority)}</td>
                <td>{row.macro_f1.map_or_else(|| "–".to_owned(), decimals)}</td>
                <td>{decimals(row.f)}</td>
            </tr>
        }
    });
    view! {
        <div class="table" tabindex="0" role="region" aria-label=locale.t("figures")>
            <table>
                <caption>{caption}</caption>
                <thead>
                    <tr>{columns.into_iter().collect_view()}</tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
        <p class="note">{locale.t("f_help")}</p>
    }
}
